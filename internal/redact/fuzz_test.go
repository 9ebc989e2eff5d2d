package redact_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"agentbridge/internal/redact"
)

// FuzzText holds what must be true of any text: no panic, valid text stays
// valid, nothing to find means nothing changes, and a second look finds nothing.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"", "hello", "password=hunter2", `{"password":"hun\"ter2"}`, "-----BEGIN PRIVATE KEY-----\nMIIabcdefghijklmnop",
		"postgres://u:p@h", "Authorization: Digest a=\"b\", response=\"c1\"", "curl -u a:b", "kind: Secret\ndata:\n a: b2",
		"p\u200bassword: \u201chunter2\u201d", "password = 'a' + 'b1c2'", "%70assword=%41%42%43%31", "| password | x1y2z3 |", "password: |\n  a1b2c3",
		"token is " + strings.Repeat("0a", 32), "Cookie: sid=abcdef0123456789; a=b", "AKIA ABCD EFGH IJKL MNO2",
	} {
		f.Add(seed)
	}
	r := redact.New(nil)
	f.Fuzz(func(t *testing.T, s string) {
		out, found := r.Text(s)
		if utf8.ValidString(s) && !utf8.ValidString(out) {
			t.Errorf("Text(%q) = %q: not valid UTF-8", s, out)
		}
		if (found == nil) != (out == s) {
			t.Errorf("Text(%q) = %q, found %v", s, out, found)
		}
		if again, found := r.Text(out); found != nil {
			t.Errorf("Text(%q) = %q, and of that %q, found %v", s, out, again, found)
		}
	})
}
