package audit_test

import (
	"slices"
	"strings"
	"testing"

	"agentbridge/internal/audit"
)

func TestSplitNotes(t *testing.T) {
	const one, two = "log\n1\nroot\n\n— log sig\n", "log\n2\nroot\n\n— log sig\n— witness sig\n"
	for _, c := range []struct {
		what, text string
		want       []string
		rest       string
	}{
		{"nothing", "", nil, ""},
		{"one", one, []string{one}, ""},
		{"several", one + two + one, []string{one, two, one}, ""},
		{"with empty lines between", "\n" + one + "\n\n" + two + "\n", []string{one, two}, ""},
		{"with Windows line ends", strings.ReplaceAll(one+two, "\n", "\r\n"), []string{one, two}, ""},
		{"without the last line's end", strings.TrimSuffix(one, "\n"), []string{one}, ""},
		{"cut at the end", one + "log\n2\nro", []string{one}, "log\n2\nro\n"},
		{"cut before the signature", one + "log\n2\nroot\n\n", []string{one}, "log\n2\nroot\n\n"},
		{"prose", "not a note\n", nil, "not a note\n"},
	} {
		notes, rest := audit.SplitNotes(c.text)
		if !slices.Equal(notes, c.want) || rest != c.rest {
			t.Errorf("SplitNotes(%s) = %q, %q; want %q, %q", c.what, notes, rest, c.want, c.rest)
		}
	}
}
