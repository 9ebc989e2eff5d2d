package agentbridge_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"agentbridge"
)

// An agent writes to another, and a person looks: the text clears the screen,
// paints a line of ours, turns the reading direction round, or hides.
func TestInert(t *testing.T) {
	for s, want := range map[string]string{
		"done":                       "done",
		"a\n\tb":                     "a\n\tb", // their place is in text
		"\x1b[2J\x1b]0;title\x07":    `\x1b[2J\x1b]0;title\a`,
		"ok\r✓ approved":             `ok\r✓ approved`,
		"\x00\x7f\u0085\u009b31m":    `\x00\x7f\u0085\u009b31m`,
		"user\u202egnp.exe":          `user\u202egnp.exe`,
		"\u2066a\u2069\u200e":        `\u2066a\u2069\u200e`,
		"pay\u200bments\u2060\ufeff": `pay\u200bments\u2060\ufeff`,
		"one\u2028two\u2029":         `one\u2028two\u2029`,
		"tag\U000e0041":              `tag\U000e0041`,
		"a\xffb\xc3":                 `a\ufffdb\ufffd`,
		"a\ufffdb":                   "a\ufffdb", // somebody else's replacement is a plain character
		"a\ufffd\xff":                "a\ufffd" + `\ufffd`,
		"é 🦜 ─ 'quoted'":             "é 🦜 ─ 'quoted'",
	} {
		got := agentbridge.Inert(s)
		if got != want {
			t.Errorf("Inert(%q) = %q, want %q", s, got, want)
		}
		if again := agentbridge.Inert(got); again != got {
			t.Errorf("Inert(Inert(%q)) = %q, want %q", s, again, got)
		}
	}
}

func TestInertLine(t *testing.T) {
	if got, want := agentbridge.InertLine("a\n\tb\x1b"), `a\n\tb\x1b`; got != want {
		t.Errorf("InertLine() = %q, want %q", got, want)
	}
}

func FuzzInert(f *testing.F) {
	for _, s := range []string{"done", "\x1b[2J", "a\ufffd\xff", "\u202e\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := agentbridge.Inert(s)
		active := func(r rune) bool {
			return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, active) {
			t.Errorf("Inert(%q) = %q, which is not inert", s, got)
		}
		if line := agentbridge.InertLine(s); strings.ContainsAny(line, "\n\t") {
			t.Errorf("InertLine(%q) = %q, which is no line", s, line)
		}
	})
}
