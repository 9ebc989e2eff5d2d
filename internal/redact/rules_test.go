package redact

import (
	"debug/buildinfo"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// The rules of gitleaks are data that a new version changes. Whoever updates it
// looks here: at how many rules there are, and that all of them compile.
func TestGitleaksRules(t *testing.T) {
	const version, want = "v8.30.1", 206
	if got := moduleVersion(t, "github.com/zricethezav/gitleaks/v8"); got != version && got != "" {
		t.Errorf("gitleaks is %s, this test knows %s", got, version)
	}
	v := newVocabulary()
	if err := v.addGitleaks(); err != nil {
		t.Fatal(err)
	}
	rules := map[string]*rule{}
	for _, a := range v.actions {
		for _, r := range a.rules {
			rules[r.id] = r
		}
	}
	if len(rules) != want {
		t.Errorf("%d rules have keywords and expressions, want %d", len(rules), want)
	}
	for id, r := range rules {
		if c := r.compile(); c.re == nil {
			t.Errorf("%s did not compile", id)
		}
		if !regexp.MustCompile(`^[A-Z0-9]+(_[A-Z0-9]+)*_REDACTED$`).MatchString(r.placeholder) {
			t.Errorf("%s has the placeholder %q", id, r.placeholder)
		}
	}
}

// moduleVersion is the version of a module in this test binary, "" if the
// toolchain recorded none.
func moduleVersion(t *testing.T, path string) string {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok || len(info.Deps) == 0 {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		if info, err = buildinfo.ReadFile(exe); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}

// Every row's placeholder is one that nothing matches again.
func TestPrefixes_placeholders(t *testing.T) {
	for _, r := range append(prefixes[:len(prefixes):len(prefixes)], newerPrefixes...) {
		if !isPlaceholder(r.placeholder) || r.prefix == "" || r.set == 0 || r.max > 0 && r.max < r.min {
			t.Errorf("row %q is not complete: %+v", r.prefix, r)
		}
	}
}

// However dense its keywords are, a rule sees each byte of a text once: that is
// what keeps the work in proportion to the text.
func TestWindows_seeEachByteOnce(t *testing.T) {
	r := New(nil).know()
	for _, n := range []int{1 << 10, 1 << 14} {
		text := strings.Repeat("pat. sat. ", n/10)
		s := r.newScan(text)
		s.hits()
		seen := map[*rule]int{}
		for _, w := range s.windows {
			seen[w.rule] += w.to - w.from
		}
		if len(seen) == 0 {
			t.Fatal("no rule has these keywords any more")
		}
		for rule, bytes := range seen {
			if bytes > len(text) {
				t.Errorf("%s looks at %d bytes of a text of %d", rule.id, bytes, len(text))
			}
		}
		s.free()
	}
}
