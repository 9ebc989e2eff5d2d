package agentbridge_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"agentbridge"
	"agentbridge/bridgetest"

	"github.com/google/go-cmp/cmp"
)

func TestClean(t *testing.T) {
	marks := func(n int) string { return strings.Repeat("\u0301", n) }
	for _, c := range []struct {
		text, want string
		removed    int
	}{
		{"", "", 0},
		{"done\n\tat last\r\n", "done\n\tat last\r\n", 0},
		{"ok\r✓ approved\r", "ok✓ approved", 2},
		{"a\r\r\nb", "a\r\nb", 1},
		{"\x1b[2J\x00\x7f\u0085\u009b31m", "[2J31m", 5},
		{"user\u202egnp.exe\u2066\u2069\u200e\u200f\u061c", "usergnp.exe", 6},
		{"pay\u200bments\u2060\ufeff\u00ad\u180e\u034f", "payments", 6},
		{"\u3164\uffa0\u115f\u1160\u17b4x", "x", 5},
		{"one\u2028two\u2029", "one\ntwo\n", 2},
		{"broken\xff\xc3", "broken", 2},
		{"\ufffd\uffff\ue000", "\ufffd\uffff\ue000", 0}, // characters like any other

		// Joiners: where emoji and scripts need them, and nowhere else.
		{"👩\u200d💻 🏳\ufe0f\u200d🌈 👩\u200d❤\ufe0f\u200d👨 🧑🏽\u200d🚀", "👩\u200d💻 🏳\ufe0f\u200d🌈 👩\u200d❤\ufe0f\u200d👨 🧑🏽\u200d🚀", 0},
		{"می\u200cخواهم", "می\u200cخواهم", 0},
		{"क्\u200dष র\u200d্য ශ්\u200dරී", "क्\u200dष র\u200d্য ශ්\u200dරී", 0},
		{"a\u200db \u200c1\u200d2 👩\u200d", "ab 12 👩", 4},
		{"می\u200d\u200d\u200cخ", "می\u200cخ", 2},
		{"👩\u200d\u200d💻", "👩\u200d💻", 1},

		// Variation selectors: one, and only behind what has variants.
		{"❤\ufe0f 1\ufe0f\u20e3 ☎\ufe0e", "❤\ufe0f 1\ufe0f\u20e3 ☎\ufe0e", 0},
		{"❤\ufe0f\ufe0f\ufe0f", "❤\ufe0f", 2},
		{"a\ufe0f b\ufe01\ufe02 é\ufe0f ж\ufe05", "a b é ж", 5},
		{"ℹ\ufe0f ⚠\ufe0f Ⓜ\ufe0f က\ufe00 令\ufe00", "ℹ\ufe0f ⚠\ufe0f Ⓜ\ufe0f က\ufe00 令\ufe00", 0},
		{"葛\U000e0100 é\U000e0100", "葛\U000e0100 é", 1},
		{"😀\U000e0121\U000e0122", "😀", 2},
		{"ᠠ\u180b x\u180b", "ᠠ\u180b x", 1},

		// Tags: the flags of England and Scotland, and no text.
		{"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f!", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f!", 0},
		{"x\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "x", 6},
		{"🏴\U000e0072\U000e006d\U000e0020\U000e007f", "🏴", 4},
		{"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067", "🏴", 5}, // without an end
		{"\U000e0041\U000e0001", "", 2},

		// Marks: as many as the scripts need that stack them.
		{"é nâ ที่นี้ น้ำ བསྒྲུབས་ རྐྱེན ཧྐྵྨླྺྼྻྂ שָׁלוֹם বাংলা", "é nâ ที่นี้ น้ำ བསྒྲུབས་ རྐྱེན ཧྐྵྨླྺྼྻྂ שָׁלוֹם বাংলা", 0},
		{"a" + marks(8) + "b" + marks(8), "a" + marks(8) + "b" + marks(8), 0},
		{"a" + marks(500) + "b", "a" + marks(8) + "b", 492},
		{marks(20), marks(8), 12},
		{"ก" + strings.Repeat("\u0e49", 30), "ก" + strings.Repeat("\u0e49", 8), 22},

		{"é 🦜 ─ “quoted” – 日本語 한국어 \u00a0\u3000", "é 🦜 ─ “quoted” – 日本語 한국어 \u00a0\u3000", 0},
	} {
		got, removed := agentbridge.Clean(c.text)
		if got != c.want || removed != c.removed {
			t.Errorf("Clean(%+q) = %+q, %d, want %+q, %d", c.text, got, removed, c.want, c.removed)
		}
		if again, removed := agentbridge.Clean(got); again != got || removed != 0 {
			t.Errorf("Clean(%+q) = %+q, %d: not at rest", got, again, removed)
		}
	}
}

// wantClean checks that nothing is left in a text that anybody obeys.
func wantClean(t *testing.T, what, text string) {
	t.Helper()
	marks := 0
	for i, r := range text {
		switch {
		case r == '\n' || r == '\t' || r == '\u200c' || r == '\u200d' || r >= 0xe0000 && r <= 0xe007f:
		case r == '\r' && strings.HasPrefix(text[i:], "\r\n"):
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029', r == '\u200b', r == '\u2060', r == '\ufeff':
			t.Errorf("%s: %+q holds %U", what, agentbridge.Preview(text, 60), r)
			return
		}
		if unicode.Is(unicode.M, r) && !unicode.Is(unicode.Variation_Selector, r) {
			marks++
		} else if !unicode.Is(unicode.Variation_Selector, r) && r != '\u200c' && r != '\u200d' {
			marks = 0
		}
		if marks > 8 {
			t.Errorf("%s: %+q has more than 8 marks on one base", what, agentbridge.Preview(text, 60))
			return
		}
	}
	if !utf8.ValidString(text) {
		t.Errorf("%s: %q is not UTF-8", what, agentbridge.Preview(text, 60))
	}
}

func TestClean_hostile(t *testing.T) {
	for _, p := range bridgetest.Hostile() {
		got, _ := agentbridge.Clean(p.Text)
		wantClean(t, p.Name, got)
		if printed(got) != printed(p.Text) {
			t.Errorf("Clean(%+q) = %+q, want everything to stay that is printed", p.Text, got)
		}
	}
}

// printed is the part of a text that every terminal prints.
func printed(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= ' ' && r <= '~' {
			return r
		}
		return -1
	}, s)
}

func FuzzClean(f *testing.F) {
	for _, p := range bridgetest.Hostile() {
		f.Add(p.Text)
	}
	f.Add("می\u200cخ👩\u200d❤\ufe0f\u200d👨🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f\r\r\n\xff\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, s string) {
		got, removed := agentbridge.Clean(s)
		wantClean(t, "Clean", got)
		agentbridge.Suspicious(got)
		if (removed == 0) != (got == s) || len(got) > len(s) {
			t.Errorf("Clean(%+q) = %+q, %d", s, got, removed)
		}
		if again, n := agentbridge.Clean(got); again != got || n != 0 {
			t.Errorf("Clean(%+q) = %+q, %d: not at rest", got, again, n)
		}
		if inert := agentbridge.Inert(s); utf8.ValidString(s) && removed > 0 && inert == s && !strings.ContainsFunc(s, unseen) {
			t.Errorf("Clean takes %d characters out of %+q, in which Inert sees none", removed, s)
		}
	})
}

// unseen are the characters that Clean takes out and a terminal merely draws.
func unseen(r rune) bool {
	return unicode.Is(unicode.M, r) || strings.ContainsRune("\u3164\uffa0\u115f\u1160\u2065", r) ||
		r >= 0xfff0 && r <= 0xfff8 || r >= 0xe0000 && r <= 0xe0fff
}

func TestClean_timeIsLinear(t *testing.T) {
	for _, unit := range []string{"a", "\x1b", "\u0301", "\u200d", "👩\u200d", "🏴\U000e0067", "\u0915\u200d", "\r", "\xff"} {
		start := time.Now()
		agentbridge.Clean(strings.Repeat(unit, 1<<20/len(unit)))
		if took := time.Since(start); took > time.Second {
			t.Errorf("Clean of 1 MiB of %+q took %v", unit, took)
		}
	}
}

func TestClean_allocatesNothing(t *testing.T) {
	for _, s := range cleanTexts {
		if n := testing.AllocsPerRun(10, func() { agentbridge.Clean(s) }); n != 0 {
			t.Errorf("Clean(%.20q…) allocates %v times", s, n)
		}
	}
	v := any(map[string]any{"a": []any{"b", json.Number("1"), nil, true}, "c": map[string]any{"d": "e"}})
	if n := testing.AllocsPerRun(10, func() { agentbridge.CleanJSON(v) }); n != 0 {
		t.Errorf("CleanJSON of what is clean allocates %v times", n)
	}
}

// cleanTexts are 2 KB of ordinary text each.
var cleanTexts = map[string]string{
	"ascii":   strings.Repeat("func main() { fmt.Println(\"hello, world\") }\n\t", 50)[:2048],
	"russian": strings.Repeat("Проверка строки, ", 66),
	"chinese": strings.Repeat("检查这条消息的内容。", 68),
	"emoji":   strings.Repeat("done ✅ 👩\u200d💻 ", 85),
}

func BenchmarkClean(b *testing.B) {
	texts := maps.Clone(cleanTexts)
	texts["dirty"] = strings.Repeat("pay\u200bment \x1b[31m ok\r ", 100)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(texts[name])))
			for b.Loop() {
				agentbridge.Clean(texts[name])
			}
		})
	}
}

func TestCleanJSON(t *testing.T) {
	for _, c := range []struct {
		raw, want string
		removed   int
	}{
		{`{"a":["b",1e3,null,true,{"c":"d"}]}`, `{"a":["b",1e3,null,true,{"c":"d"}]}`, 0},
		{`"\u001b[2J"`, `"[2J"`, 1},
		{`{"a":["b\u202e","c",{"d\u0007":"e\u200b","f":1}]}`, `{"a":["b","c",{"d":"e","f":1}]}`, 3},
		{`{"a":1,"a\u200b":2}`, `{"a":1,"a_2":2}`, 1},
		{`{"a\u200b":1,"\u200ba":2,"a_2":3}`, `{"a":1,"a_2":3,"a_3":2}`, 2},
		{`{"\u200b":1}`, `{"":1}`, 1},
		{`1e400`, ``, 0},
	} {
		v, err := agentbridge.DecodeJSON("v", []byte(c.raw))
		if err != nil {
			if c.want != "" {
				t.Errorf("DecodeJSON(%s) = %v", c.raw, err)
			}
			continue
		}
		before, _ := json.Marshal(v)
		clean, removed := agentbridge.CleanJSON(v)
		got, err := json.Marshal(clean)
		if err != nil || string(got) != c.want || removed != c.removed {
			t.Errorf("CleanJSON(%s) = %s, %d (%v), want %s, %d", c.raw, got, removed, err, c.want, c.removed)
		}
		if after, _ := json.Marshal(v); string(after) != string(before) {
			t.Errorf("CleanJSON(%s) changed what it was given to %s", c.raw, after)
		}
		again, n := agentbridge.CleanJSON(clean)
		if diff := cmp.Diff(clean, again); diff != "" || n != 0 {
			t.Errorf("CleanJSON(%s): not at rest, %d, %s", got, n, diff)
		}
	}
}

// The short cut for ordinary characters must not hide one that is not.
func TestClean_everyCharacter(t *testing.T) {
	for r := rune(0xa0); r <= unicode.MaxRune; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		got, _ := agentbridge.Clean("." + string(r))
		hidden := unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
		selector := unicode.Is(unicode.Variation_Selector, r)
		switch kept := got == "."+string(r); {
		case r == '\u2028' || r == '\u2029':
		case kept && (hidden || selector), !kept && !hidden && !selector:
			t.Errorf("Clean of %U: kept = %v", r, kept)
		}
		if unicode.Is(unicode.M, r) && !hidden && !selector {
			if got, removed := agentbridge.Clean("." + strings.Repeat(string(r), 9)); removed != 1 {
				t.Errorf("Clean of nine %U takes out %d: %+q", r, removed, got)
			}
		}
	}
}
