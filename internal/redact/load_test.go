package redact_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"agentbridge/internal/redact"
)

// load loads a file with this content.
func load(t testing.TB, content string) ([]redact.Pattern, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "patterns.toml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return redact.LoadPatterns(path)
}

func mustLoad(t testing.TB, content string) []redact.Pattern {
	t.Helper()
	patterns, err := load(t, content)
	if err != nil {
		t.Fatal(err)
	}
	return patterns
}

func TestLoadPatterns_own(t *testing.T) {
	got := mustLoad(t, `
title = "what Acme keeps secret"

[[pattern]] # everything
name = "acme key"
regexp = '''\bkey:(acme)-([0-9a-f]{8})\b'''
keywords = ["ACME", 'key:',
  """acme-"""]
group = 2
placeholder = "ACME_REDACTED"
min_entropy = 2.5

[[pattern]]
name = "2nd.Widget-no"
regexp = 'WIDGET[0-9]{6}'
min_entropy = 1
`)
	if len(got) != 2 {
		t.Fatalf("%d patterns, want 2", len(got))
	}
	p := got[0]
	if p.Name != "acme key" || p.Regexp.String() != `\bkey:(acme)-([0-9a-f]{8})\b` || p.Group != 2 ||
		p.Placeholder != "ACME_REDACTED" || p.MinEntropy != 2.5 || !slices.Equal(p.Keywords, []string{"acme", "key:", "acme-"}) {
		t.Errorf("the first is %+v", p)
	}
	p = got[1]
	if p.Group != 0 || p.Placeholder != "ND_WIDGET_NO_REDACTED" || p.MinEntropy != 1 || !slices.Equal(p.Keywords, []string{"widget"}) {
		t.Errorf("the second is %+v", p)
	}
}

func TestLoadPatterns_gitleaks(t *testing.T) {
	got := mustLoad(t, `
title = "rules of gitleaks"
minVersion = "v8.25.0"

[extend]
useDefault = true

[[rules]]
id = "acme-key"
description = "a key of Acme"
regex = '''(?i)acme[_-]?(?:(k[0-9]{6})|(j[0-9]{6}))'''
keywords = ["acme"]
tags = ["key"]
entropy = 3
[[rules.allowlists]]
description = "examples"
condition = "AND"
regexTarget = "match"
regexes = ['''.+0$''']
stopwords = ["K123"]

[[rules]]
id = "widget"
regex = '''WIDGET([0-9]{3})([0-9]{3})'''
secretGroup = 2

[[allowlists]]
targetRules = ["widget"]
stopwords = ["999"]
`)
	if len(got) != 2 {
		t.Fatalf("%d patterns, want 2", len(got))
	}
	if p := got[0]; p.Name != "acme-key" || p.Group != redact.FirstGroup || p.Placeholder != "ACME_KEY_REDACTED" || p.MinEntropy <= 3 {
		t.Errorf("the first is %+v", p)
	}
	if p := got[1]; p.Group != 2 || !slices.Equal(p.Keywords, []string{"widget"}) {
		t.Errorf("the second is %+v", p)
	}
}

// Whatever is wrong stops the start, and the operator is told where.
func TestLoadPatterns_wrong(t *testing.T) {
	const good = "[[pattern]]\nname = 'good'\nregexp = 'good[0-9]{4}'\n"
	own := func(lines string) string { return "# ours\n[[pattern]]\nname = 'p'\n" + lines }
	rule := func(lines string) string { return "# theirs\n[[rules]]\nid = 'p'\nregex = 'acme([0-9]{4})'\n" + lines }
	for _, tt := range []struct {
		name, file string
		line       int
		want       string
	}{
		// The file.
		{"empty", "", 0, `holds no pattern; begin one with \[\[pattern\]\]`},
		{"only a title", "title = 'x'\n", 0, `holds no pattern`},
		{"no TOML", good + "name 'x'\n", 4, `is not valid TOML: `},
		{"ends early", good + "keywords = [\n'a'\n", 6, `is not valid TOML: `},
		{"ends in a key", good + "keywords", 4, `is not valid TOML: `},
		{"ends in a text", good + "keywords = '''\n\n", 6, `is not valid TOML: `},
		{"JSON", `{"pattern": []}`, 1, `is not valid TOML: `},
		{"no UTF-8", good + "keywords = ['\xff']", 4, `is not valid UTF-8`},
		{"too large", good + strings.Repeat("#\n", 1<<19), 0, `is larger than 1048576 bytes; keep fewer patterns`},
		{"nests", good + "keywords = " + strings.Repeat("[", 1<<20-100), 4, `nests deeper than 16 levels`},
		{"nests in tables", good + "keywords = ['''[''''', \"\\\"[\", #]\n" + strings.Repeat("{a=", 16), 5, `nests deeper than 16 levels`},
		{"nests in a text", good + "keywords = ['" + strings.Repeat("[", 20) + "'] # " + strings.Repeat("[", 20) + "\nx = 1\n", 5, `no key x in`},
		{"unknown table", good + "\n[patterns]\n", 5, `no table \[patterns\] here; a pattern begins with \[\[pattern\]\]`},
		{"not a list of tables", "[pattern]\nname='x'\n", 1, `no table \[pattern\] here`},
		{"table within", good + "[pattern.more]\n", 4, `no table \[pattern\.more\] here`},
		{"key before tables", "nmae = 'x'\n" + good, 1, `no key nmae in the file before its first table`},
		{"inline tables", "title = 'x'\npattern = [{name = 'x', regexp = 'acme[0-9]'}]\n", 2, `no key pattern in the file before`},
		{"one too many", manyPatterns(201), 602, `pattern "p200" is one too many; at most 200 can be loaded`},

		// Keys and their types.
		{"unknown key", own("regexp = 'acme[0-9]'\nplaceholders = 'X_REDACTED'\n"), 5, `no key placeholders in \[\[pattern\]\]; the keys are name, regexp, `},
		{"unknown escaped key", own("regexp = 'acme[0-9]'\n\"\\u0061\\n\" = 1\n"), 5, `no key `},
		{"dotted key", own("regexp.x = 'acme[0-9]'\n"), 4, `no key regexp\.x in`},
		{"key twice", own("regexp = 'acme[0-9]'\n\nregexp = 'b'\n"), 6, `regexp was set in line 4 already`},
		{"name is a number", "[[pattern]]\nname = 3\n", 2, `name must be a string`},
		{"regexp is a date", own("regexp = 2020-01-01\n"), 4, `regexp must be a string`},
		{"keywords is a text", own("regexp = 'acme[0-9]'\nkeywords = 'acme'\n"), 5, `keywords must be a list of strings`},
		{"a keyword is a number", own("regexp = 'acme[0-9]'\nkeywords = ['acme',\n 7]\n"), 5, `keywords must hold strings only`},
		{"a keyword is a list", own("regexp = 'acme[0-9]'\nkeywords = [['acme']]\n"), 5, `keywords must hold strings only`},
		{"group is a text", own("regexp = 'acme[0-9]'\ngroup = '1'\n"), 5, `group must be an integer`},
		{"group is a fraction", own("regexp = 'acme([0-9])'\ngroup = 1.0\n"), 5, `group must be an integer`},
		{"group is huge", own("regexp = 'acme([0-9])'\ngroup = 99999999999999999999\n"), 5, `group must be an integer`},
		{"entropy is a text", own("regexp = 'acme[0-9]'\nmin_entropy = 'high'\n"), 5, `min_entropy must be a number`},
		{"placeholder is a switch", own("regexp = 'acme[0-9]'\nplaceholder = true\n"), 5, `placeholder must be a string`},

		// What a pattern is.
		{"no name", "[[pattern]]\nregexp = 'acme[0-9]'\n", 1, `\[\[pattern\]\] has no name`},
		{"empty name", "[[pattern]]\n\nname = ''\n", 3, `\[\[pattern\]\] has no name`},
		{"name with escapes", "[[pattern]]\nname = \"a\\u001b[2J\"\n", 2, `name must be at most 64 letters`},
		{"long name", "[[pattern]]\nname = '" + strings.Repeat("n", 65) + "'\n", 2, `name must be at most 64 letters`},
		{"name twice", good + "\n" + good, 6, `pattern "good" has the name of the one in line 2`},
		{"name of a rule", rule("") + "[[pattern]]\nname = 'p'\nregexp = 'good[0-9]{4}'\n", 6, `pattern "p" has the name of the one in line 3`},
		{"no regexp", own("keywords = ['acme']\n"), 2, `pattern "p": regexp is missing`},
		{"bad RE2", own("\nregexp = 'acme('\n"), 5, `pattern "p": regexp is not valid RE2 \(missing closing \): acme\(\)`},
		{"lookahead", own("regexp = 'acme(?=x)'\n"), 4, `regexp is not valid RE2 \(invalid or unsupported Perl syntax: \(\?=\)`},
		{"too many repeats", own("regexp = 'acme(?:(?:a{1000}){1000}){1000}'\n"), 4, `regexp is not valid RE2`},
		{"too long", own("regexp = 'acme" + strings.Repeat("a", 4093) + "'\n"), 4, `regexp is longer than 4096 bytes`},
		{"empty regexp", own("regexp = ''\n"), 4, `regexp is missing`},
		{"matches nothing", own("regexp = '(?i)(acme)*'\nkeywords = ['acme']\n"), 4, `regexp matches the empty string`},
		{"matches nothing, or", own("regexp = 'acme[0-9]+|'\nkeywords = ['acme']\n"), 4, `regexp matches the empty string`},
		{"matches a place", own("regexp = '\\bx{0,3}\\b'\nkeywords = ['acme']\n"), 4, `regexp matches the empty string`},
		{"no keyword", own("regexp = '[a-z]{3}[0-9]{6}'\n"), 4, `it needs keywords, because regexp does not begin with at least 3 fixed`},
		{"no keyword, either", own("regexp = '(?i)acme[0-9]{6}|x'\n"), 4, `it needs keywords`},
		{"short prefix", own("regexp = 'ac[0-9]{6}'\nkeywords = []\n"), 4, `it needs keywords`},
		{"empty keyword", own("regexp = '(?i)acme[0-9]{6}'\nkeywords = ['acme',\n'']\n"), 6, `keyword "" must be at least 2 characters`},
		{"keyword beyond ASCII", own("regexp = '(?i)acme[0-9]{6}'\nkeywords = ['schlüssel']\n"), 5, `keyword "schlüssel" must be .* ASCII only`},
		{"many keywords", own("regexp = 'acme[0-9]{6}'\nkeywords = [" + strings.Repeat("'acme',", 101) + "]\n"), 5, `keywords are more than 100`},
		{"no such group", own("regexp = 'acme([0-9])'\ngroup = 2\n"), 5, `there is no group 2 in regexp, which has 1`},
		{"negative group", own("regexp = 'acme([0-9])'\ngroup = -1\n"), 5, `there is no group -1 in regexp`},
		{"placeholder in words", own("regexp = 'acme[0-9]'\nplaceholder = 'gone'\n"), 5, `placeholder "gone" must be capital letters`},
		{"placeholder that says nothing", own("regexp = 'acme[0-9]'\nplaceholder = '_REDACTED'\n"), 5, `placeholder "_REDACTED" must be`},
		{"empty placeholder", own("regexp = 'acme[0-9]'\nplaceholder = ''\n"), 5, `placeholder "" must be`},
		{"long placeholder", own("regexp = 'acme[0-9]'\nplaceholder = '" + strings.Repeat("X", 65) + "_REDACTED'\n"), 5, `placeholder "X+_REDACTED" must be`},
		{"name without letters", "[[pattern]]\nname = '42'\nregexp = 'acme[0-9]'\n", 1, `placeholder "_REDACTED" must be`},
		{"matches its placeholder", own("regexp = '(?i)acme_[a-z]+'\nkeywords = ['acme']\nplaceholder = 'ACME_REDACTED'\n"), 6, `regexp matches the placeholder ACME_REDACTED`},
		{"matches its own name", own("regexp = '[A-Z]_[A-Z]{5,}'\nkeywords = ['acme']\n"), 2, `regexp matches the placeholder P_REDACTED`},
		{"entropy beyond bounds", own("regexp = 'acme[0-9]'\nmin_entropy = 8.1\n"), 5, `min_entropy must be from 0 to 8`},
		{"entropy is no number", own("regexp = 'acme[0-9]'\nmin_entropy = nan\n"), 5, `min_entropy must be from 0 to 8`},

		// What gitleaks can and we can't.
		{"rule with a path", rule("path = '\\.pem$'\n"), 5, `path in \[\[rules\]\] can't be honoured: messages have no path`},
		{"rule that requires", rule("[[rules.required]]\nid = 'q'\n"), 5, `no table \[\[rules\.required\]\] here`},
		{"rule that is not reported", rule("skipReport = true\n"), 5, `skipreport in \[\[rules\]\] can't be honoured`},
		{"inline allow list", rule("allowlist = {regexes = ['a']}\n"), 5, `allowlist in \[\[rules\]\] can't be honoured: write it as a table`},
		{"rule with our key", rule("placeholder = 'X_REDACTED'\n"), 5, `no key placeholder in \[\[rules\]\]`},
		{"rule without an id", "[[rules]]\nregex = 'acme'\n", 1, `\[\[rules\]\] has no id`},
		{"rule without a regex", "[[rules]]\nid = 'x'\n", 1, `regex is missing`},
		{"rule without keywords", "[[rules]]\nid = 'x'\nregex='[0-9]{7}'\n", 3, `it needs keywords, because regex `},
		{"secretGroup", rule("secretGroup = 2\n"), 5, `there is no group 2 in regex, which has 1`},
		{"paths", rule("[[rules.allowlists]]\npaths = ['x']\n"), 6, `paths in \[\[rules\.allowlists\]\] can't be honoured: messages have no path`},
		{"commits", rule("[rules.allowlist]\ncommits = ['x']\n"), 6, `commits in \[rules\.allowlist\] can't be honoured`},
		{"line", rule("[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['x']\n"), 6, `regexTarget = "line" can't be honoured`},
		{"target", rule("[[rules.allowlists]]\nregexTarget = 'file'\nregexes = ['x']\n"), 6, `regexTarget must be`},
		{"condition", rule("[[rules.allowlists]]\ncondition = 'XOR'\nregexes = ['x']\n"), 6, `condition must be AND or OR`},
		{"allows nothing", rule("[[rules.allowlists]]\ndescription = 'x'\n"), 5, `allows nothing`},
		{"allows everything", rule("[[rules.allowlists]]\nregexes = [\n'x',\n'y*']\n"), 8, `an expression in regexes matches the empty string`},
		{"allows by bad RE2", rule("[[rules.allowlists]]\nregexes = ['[x']\n"), 6, `an expression in regexes is not valid RE2`},
		{"allows by a long expression", rule("[[rules.allowlists]]\nregexes = ['" + strings.Repeat("x", 4097) + "']\n"), 6, `an expression in regexes is longer than 4096 bytes`},
		{"stop word", rule("[[rules.allowlists]]\nstopwords = ['a', '']\n"), 6, `a stop word is empty`},
		{"allow list of nobody", good + "[[rules.allowlists]]\nregexes = ['x']\n", 4, `must stand behind the \[\[rules\]\]`},
		{"targets in a rule", rule("[[rules.allowlists]]\ntargetRules = ['p']\nregexes = ['x']\n"), 6, `no key targetrules in`},
		{"unknown target", rule("[[allowlists]]\nregexes = ['x']\ntargetRules = ['p',\n'q']\n"), 8, `there is no rule "q" in this file`},
		{"for the built-in too", rule("[extend]\nuseDefault = true\n[allowlist]\nregexes = ['x']\n"), 7, `can't be honoured beside useDefault`},
		{"global paths", rule("[allowlist]\npaths = ['x']\n"), 6, `paths in \[allowlist\] can't be honoured`},
		{"global twice", rule("[allowlist]\nregexes = ['x']\n[allowlist]\nregexes = ['y']\n"), 7, `table \[allowlist\] stands here twice`},
		{"extends a file", rule("[extend]\npath = 'x'\n"), 6, `path in \[extend\] can't be honoured`},
		{"disables rules", rule("[extend]\ndisabledRules = ['x']\n"), 6, `the built-in kinds can't be turned off`},
		{"default perhaps", rule("[extend]\nuseDefault = 'x'\n"), 6, `useDefault must be true or false`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			patterns, err := load(t, tt.file)
			if err == nil {
				t.Fatalf("loaded %d patterns, want an error like %s", len(patterns), tt.want)
			}
			want := `^.*patterns\.toml`
			if tt.line > 0 {
				want += fmt.Sprintf(":%d", tt.line)
			}
			if ok, _ := regexp.MatchString(want+"(:| ).*"+tt.want, err.Error()); !ok {
				t.Errorf("got: %v\nwant %s: %s", err, want, tt.want)
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q is not one line", err)
			}
		})
	}
}

func manyPatterns(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[[pattern]]\nname = 'p%d'\nregexp = 'acme%d'\n", i, i)
	}
	return b.String()
}

func TestLoadPatterns_unreadable(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none.toml"), ""} {
		if _, err := redact.LoadPatterns(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("LoadPatterns(%q): %v, want an error that names it", path, err)
		}
	}
}

// An expression that says how each match begins needs no keyword.
func TestLoadPatterns_prefix(t *testing.T) {
	for expr, want := range map[string]string{
		`acme[0-9]`:                  "acme",
		`\b(?i)ACME-[0-9]`:           "acme-",
		`(?m)^((?i:ac)ME)_?[0-9]`:    "acme",
		`(?:acme)+[0-9]`:             "acme",
		`acme1[0-9]|acme2`:           "acme",
		`(?:\bx-)(acme)(?:y|z)[0-9]`: "x-acme",
	} {
		got := mustLoad(t, "[[pattern]]\nname = 'p'\nregexp = '''"+expr+"'''\n")
		if !slices.Equal(got[0].Keywords, []string{want}) {
			t.Errorf("%s: keywords %q, want %q", expr, got[0].Keywords, want)
		}
	}
}

func TestLoadPatterns_most(t *testing.T) {
	if got := mustLoad(t, manyPatterns(200)); len(got) != 200 {
		t.Errorf("%d patterns, want 200", len(got))
	}
}

// FuzzLoadPatterns: whatever a file holds, it is loaded or refused in a line.
func FuzzLoadPatterns(f *testing.F) {
	f.Add("[[pattern]]\nname = 'p'\nregexp = 'acme[0-9]'\nkeywords = ['a',\n\"\"\"b\"\"\"]\ngroup = 0x1\nmin_entropy = 1e0\n")
	f.Add("[[rules]]\nid = 'p'\nregex = 'acme([0-9])'\n[[rules.allowlists]]\nstopwords = ['x']\n[extend]\nuseDefault = true\n")
	f.Add("a.'b'.\"\\u0063\" = {x = [1, 2020-01-01T00:00:00Z, nan]}\r\n")
	f.Fuzz(func(t *testing.T, content string) {
		patterns, err := load(t, content)
		if (err == nil) != (len(patterns) > 0) {
			t.Fatalf("%d patterns and %v", len(patterns), err)
		}
		for _, p := range patterns {
			if len(p.Keywords) == 0 || p.Regexp.MatchString("") || p.Regexp.MatchString(p.Placeholder) || p.Group > p.Regexp.NumSubexp() {
				t.Errorf("loaded %+v", p)
			}
		}
	})
}
