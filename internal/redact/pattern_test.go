package redact_test

import (
	"strconv"
	"strings"
	"testing"

	"agentbridge/internal/redact"
)

// What patterns take out of a text, and what they leave.
func TestPattern(t *testing.T) {
	const (
		badge = "[[pattern]]\nname = 'acme'\nregexp = '''(?i)\\bacme-[0-9]{4}\\b'''\nplaceholder = 'BADGE_REDACTED'\n"
		group = "[[pattern]]\nname = 'robot'\nregexp = '''robot no\\. ([0-9]+)(?: or ([0-9]+))?'''\ngroup = "
		rule  = "[[rules]]\nid = 'robot'\nregex = '''robot (?:no\\. ([0-9]+)|([0-9]*) here)'''\n"
		allow = rule + "[[rules.allowlists]]\n"
	)
	for _, tt := range []struct{ name, file, text, want string }{
		{"whole match", badge, "a ACME-4711, acme-0815.", "a BADGE_REDACTED, BADGE_REDACTED."},
		{"no match", badge, "acme-471 acme-47110 pacme-4711", "acme-471 acme-47110 pacme-4711"},
		{"at both ends", badge, "ACME-4711", "BADGE_REDACTED"},
		{"far in the text", badge, strings.Repeat("so it is. ", 1000) + "acme-4711", strings.Repeat("so it is. ", 1000) + "BADGE_REDACTED"},
		{"many", badge, strings.Repeat("acme-4711 ", 300), strings.Repeat("BADGE_REDACTED ", 300)},
		{"beyond ASCII", badge, "schön: acme-4711 …", "schön: BADGE_REDACTED …"},
		{"a group", group + "1\n", "robot no. 47 or 11", "robot no. ROBOT_REDACTED or 11"},
		{"another group", group + "2\n", "robot no. 47 or 11", "robot no. 47 or ROBOT_REDACTED"},
		{"a group that is not there", group + "2\n", "robot no. 47 or so", "robot no. 47 or so"},
		{"the first group", rule, "robot no. 47, robot 11 here", "robot no. ROBOT_REDACTED, robot ROBOT_REDACTED here"},
		{"no group but the match", rule, "a robot  here", "a ROBOT_REDACTED"},
		{"low entropy", group + "1\nmin_entropy = 1.5\n", "robot no. 4444, robot no. 4477", "robot no. 4444, robot no. 4477"},
		{"entropy", group + "1\nmin_entropy = 1.5\n", "robot no. 4444, robot no. 4715", "robot no. 4444, robot no. ROBOT_REDACTED"},
		{"entropy as much", group + "1\nmin_entropy = 2\n", "robot no. 4715", "robot no. ROBOT_REDACTED"},
		{"entropy of gitleaks", strings.Replace(rule, "id", "entropy = 2\nid", 1), "robot no. 4715, robot no. 47150", "robot no. 4715, robot no. ROBOT_REDACTED"},
		{"allowed", allow + "regexes = ['^11']\n", "robot no. 4711, robot no. 1147", "robot no. ROBOT_REDACTED, robot no. 1147"},
		{"allowed by the match", allow + "regexTarget = 'match'\nregexes = ['here$']\n", "robot no. 47, robot 11 here", "robot no. ROBOT_REDACTED, robot 11 here"},
		{"allowed by a word", allow + "stopwords = ['471']\n", "robot no. 14711, robot no. 1147", "robot no. 14711, robot no. ROBOT_REDACTED"},
		{"allowed by either", allow + "regexes = ['^11']\nstopwords = ['47']\n", "robot no. 47, robot no. 11, robot no. 12", "robot no. 47, robot no. 11, robot no. ROBOT_REDACTED"},
		{"allowed by both", allow + "condition = 'AND'\nregexes = ['^11']\nstopwords = ['47']\n", "robot no. 47, robot no. 11, robot no. 1147",
			"robot no. ROBOT_REDACTED, robot no. ROBOT_REDACTED, robot no. 1147"},
		{"allowed by both, of one", allow + "condition = '&&'\nregexes = ['^11']\n", "robot no. 1147", "robot no. 1147"},
		{"allowed for all", rule + "[allowlist]\nstopwords = ['47']\n", "robot no. 47", "robot no. 47"},
		{"allowed for another", rule + badge + "[[rules]]\nid = 'other'\nregex = 'other [0-9]+'\n[[allowlists]]\ntargetRules = ['other']\nstopwords = ['47']\n",
			"robot no. 47, other 47, acme-4711", "robot no. ROBOT_REDACTED, other 47, BADGE_REDACTED"},
		// This one would take its own placeholder for a name, and so for ever.
		{"piece of a placeholder", "[[pattern]]\nname = 'robot'\nregexp = '''robot=(\\w{4})\\w*'''\ngroup = 1\n", "robot=Betty", "robot=ROBOT_REDACTEDy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := redact.New(mustLoad(t, tt.file))
			got, found := r.Text(tt.text)
			if got != tt.want {
				t.Errorf("%q\nbecame %q\nwant   %q", tt.text, got, tt.want)
			}
			if (found == nil) != (tt.text == tt.want) {
				t.Errorf("found %v", found)
			}
			if again, found := r.Text(got); again != got || found != nil {
				t.Errorf("%q\nbecame %q at the second time, with %v", got, again, found)
			}
		})
	}
}

// Long texts are searched in blocks, which nobody notices.
func TestPattern_blocks(t *testing.T) {
	r := redact.New(mustLoad(t, "[[pattern]]\nname = 'badge'\nregexp = '(?i)\\bacme-[0-9]{4,1000}\\b'\n"))
	for _, badge := range []string{"acme-4711", "acme-" + strings.Repeat("47", 500)} {
		for _, filler := range []string{"so ", "ö "} {
			for _, at := range []int{4096 - 1004, 4087, 4091, 4092, 4093, 4095, 4096, 4097, 8192 - 1004, 8187, 8191, 8192, 8193} {
				before := strings.Repeat(filler, at/len(filler))
				before += strings.Repeat("-", at-len(before))
				text := before + badge + " " + before + badge + ", pacme-4711"
				want := before + "BADGE_REDACTED " + before + "BADGE_REDACTED, pacme-4711"
				if got, found := r.Text(text); got != want || found["BADGE_REDACTED"] != 2 {
					t.Errorf("%d bytes of %q, %d of the badge: found %v", at, filler, len(badge), found)
				}
			}
		}
	}
}

// What a sender could do to an expression that looks far ahead in vain.
func BenchmarkPattern_hostile(b *testing.B) {
	r := redact.New(mustLoad(b, "[[pattern]]\nname = 'p'\nregexp = '''acme(?:.*zz)?'''\n"))
	for _, size := range []int{8 << 10, 16 << 10} {
		text := strings.Repeat("acme", size/4)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				r.Text(text)
			}
		})
	}
}
