package bench

import (
	"strings"
	"testing"
)

// paper is a ledger of what two senders were promised, and the letters that are
// stored by their ids: sender 0 on a channel, sender 10 on another one.
func paper() (*Ledger, []Message) {
	l := NewLedger("run")
	var stored []Message
	for i, id := range []string{"a", "b", "c"} {
		text := l.Letter(0, i, 300)
		l.Acked(text, id)
		stored = append(stored, Message{ID: id, Content: text})
	}
	l.Acked(l.Letter(10, 0, 300), "x")
	return l, stored
}

func TestLedger(t *testing.T) {
	for name, test := range map[string]struct {
		lie                         func(l *Ledger, stored []Message) []Message
		lost, duplicated, disorders int64
		figure                      string
	}{
		"honest":             {func(_ *Ledger, s []Message) []Message { return s }, 0, 0, 0, ""},
		"nothing":            {func(*Ledger, []Message) []Message { return nil }, 3, 0, 0, ""},
		"too little":         {func(_ *Ledger, s []Message) []Message { return s[:2] }, 1, 0, 0, ""},
		"twice":              {func(_ *Ledger, s []Message) []Message { return append(s, s[2]) }, 0, 1, 0, ""},
		"again, and said so": {func(_ *Ledger, s []Message) []Message { m := s[2]; m.Again = true; return append(s, m) }, 0, 0, 0, ""},
		"twice under another id": {func(_ *Ledger, s []Message) []Message {
			return append(s, Message{ID: "d", Content: s[2].Content, Again: true})
		}, 0, 1, 0, ""},
		"another id": {func(_ *Ledger, s []Message) []Message { s[1].ID = "d"; return s }, 0, 1, 0, ""},
		"another order": {func(_ *Ledger, s []Message) []Message {
			s[0], s[1] = s[1], s[0]
			return s
		}, 0, 0, 1, ""},
		"cut off":    {func(_ *Ledger, s []Message) []Message { s[1].Content = s[1].Content[:200]; return s }, 1, 0, 0, "with another text"},
		"name alone": {func(_ *Ledger, s []Message) []Message { s[1].Content = textID(s[1].Content); return s }, 1, 0, 0, "with another text"},
		"another word": {func(_ *Ledger, s []Message) []Message {
			s[1].Content = strings.Replace(s[1].Content, "dolor", "color", 1)
			return s
		}, 1, 0, 0, "with another text"},
		"more text": {func(_ *Ledger, s []Message) []Message { s[1].Content += "!"; return s }, 1, 0, 0, "with another text"},
		"another's": {func(_ *Ledger, s []Message) []Message { s[1].Content = "hello"; return s }, 1, 1, 0, "never sent there"},
		"of nobody": {func(l *Ledger, s []Message) []Message {
			return append(s, Message{ID: "d", Content: l.Letter(0, 9, 300)})
		}, 0, 1, 0, "never sent there"},
		"of another": {func(l *Ledger, s []Message) []Message {
			return append(s, Message{ID: "x", Content: l.Letter(10, 0, 300)})
		}, 0, 1, 0, "never sent there"},
		"of another run": {func(_ *Ledger, s []Message) []Message {
			return append(s, Message{ID: "d", Content: NewLedger("walk").Letter(0, 0, 300)})
		}, 0, 1, 0, "never sent there"},
		"marks": {func(_ *Ledger, s []Message) []Message {
			return append([]Message{{ID: "m", Content: beginMark}}, append(s, Message{ID: "n", Content: endMark})...)
		}, 0, 0, 0, ""},
		"one id for two": {func(l *Ledger, s []Message) []Message {
			text := l.Letter(0, 3, 300)
			l.Acked(text, "c")
			return append(s, Message{ID: "c", Content: text})
		}, 0, 1, 0, "ids given twice"},
		"acknowledged twice": {func(l *Ledger, s []Message) []Message { l.Acked(s[2].Content, "c"); return s }, 0, 0, 0, ""},
		"given up": {func(l *Ledger, s []Message) []Message { // and stored after the next one
			gone := l.Letter(0, 3, 300)
			l.Unknown(gone)
			l.Acked(l.Letter(0, 4, 300), "e")
			return append(s, Message{ID: "e", Content: l.Letter(0, 4, 300)}, Message{ID: "d", Content: gone})
		}, 0, 0, 0, ""},
	} {
		l, stored := paper()
		var got Reading
		for _, m := range test.lie(l, stored) {
			got.Add(l, m)
		}
		var res Result
		l.Compare(&got, &res, func(sender int) bool { return sender == 0 })
		if res.Lost != test.lost || res.Duplicated != test.duplicated || res.Disordered != test.disorders {
			t.Errorf("%s: %d lost, %d duplicated, %d disordered; want %d, %d, %d",
				name, res.Lost, res.Duplicated, res.Disordered, test.lost, test.duplicated, test.disorders)
		}
		if _, told := res.Figures[test.figure]; told != (test.figure != "") || len(res.Figures) > 1 {
			t.Errorf("%s: figures %v; want %q", name, res.Figures, test.figure)
		}
	}
}

func TestLetter(t *testing.T) {
	l := NewLedger("0123abcd")
	for size := range 1500 {
		text := l.Letter(7, 12345, size)
		if len(text) != size && (size > 30 || len(text) < size) {
			t.Fatalf("a letter of %d bytes has %d", size, len(text))
		}
		if !whole(text) || strings.TrimSpace(text) != text || whole(text[:len(text)-1]) {
			t.Fatalf("the letter of %d bytes is not whole, or still is without its end: %q", size, text)
		}
	}
}
