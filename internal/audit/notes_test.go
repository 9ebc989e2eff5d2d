package audit_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"agentbridge/internal/audit"
)

func TestSplitNotes(t *testing.T) {
	signature := base64.StdEncoding.EncodeToString(make([]byte, 68))
	one, two := "log\n1\nroot\n\n— log "+signature+"\n", "log\n2\nroot\n\n— log "+signature+"\n— witness "+signature+"\n"
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
		{"cut at the beginning", "1\nroot\n\n— log " + signature + "\n" + two, []string{two}, "1\nroot\n\n— log " + signature + "\n"},
		{"zeros of a power failure", one + "\x00\x00" + two, []string{one, two}, "\x00\x00\n"},
		{"a second signature torn", one + two[:len(two)-5] + "\n" + one,
			[]string{one, strings.TrimSuffix(two, "— witness "+signature+"\n"), one}, "— witness " + signature[:len(signature)-4] + "\n"},
	} {
		notes, rest := audit.SplitNotes(c.text)
		if !slices.Equal(notes, c.want) || rest != c.rest {
			t.Errorf("SplitNotes(%s) = %q, %q; want %q, %q", c.what, notes, rest, c.want, c.rest)
		}
	}
}

// Wherever a checkpoint is torn, it is passed over and hides none behind it: not
// if the next one begins in a line of its own, and not if it doesn't.
func TestSplitNotes_torn(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 3, 1, 2, 3)
	one, two, three := log.points[0].Note, log.points[1].Note, log.points[2].Note
	for cut := 1; cut < len(two)-1; cut++ {
		for _, between := range []string{"", "\n"} {
			notes, rest := audit.SplitNotes(one + two[:cut] + between + three)
			if !slices.Equal(notes, []string{one, three}) || rest == "" {
				t.Fatalf("with %q and %q between: SplitNotes() = %q, %q; want the first and the last, and something left over", two[:cut], between, notes, rest)
			}
		}
	}
}
