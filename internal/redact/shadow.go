package redact

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// shadow looks at the text as a reader sees it: without characters that have no
// width, and with look-alikes of ASCII as ASCII. Only text beyond ASCII has one.
func (s *scan) shadow() {
	i := firstWide(s.text)
	if i < 0 {
		return
	}
	v := &view{}
	changed := false
	plain := 0
	for i < len(s.text) {
		if s.text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s.text[i:])
		if b, ok := disguised(r, s.text[i:i+n]); ok && !s.typography(r, i, i+n) {
			v.copy(s.text, plain, i)
			v.put(b, i, i+n)
			i += n
			plain, changed = i, true
			continue
		}
		i += n
	}
	if !changed {
		return
	}
	v.copy(s.text, plain, len(s.text))
	s.look(v, always)
}

// typography tells signs that good type is full of and that hide nothing where
// they stand: dashes between words, apostrophes, ellipses.
func (s *scan) typography(r rune, from, to int) bool {
	before, after := at(s.text, from-1), at(s.text, to)
	switch r {
	case '…':
		return true
	case '’':
		return isLetter(before) && isLetter(after)
	case '–', '‑', '‒', '−':
		return !isAlnum(before) || !isAlnum(after)
	}
	return false
}

func firstWide(t string) int {
	for i := range len(t) {
		if t[i] >= utf8.RuneSelf {
			return i
		}
	}
	return -1
}

// disguised returns what stands for a character in the shadow, if that is not
// the character itself: nothing for one without width.
func disguised(r rune, s string) ([]byte, bool) {
	switch {
	case r == utf8.RuneError:
		return nil, false
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Mn, r),
		r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0x2800, r >= 0x80 && r < 0xA0:
		return nil, true
	case r == 0x2028 || r == 0x2029:
		return []byte("\n"), true
	}
	if c := lookAlike(r); c != 0 {
		return []byte{c}, true
	}
	if n := norm.NFKC.String(s); n != s {
		return []byte(n), true
	}
	return nil, false
}

// lookAlike returns the ASCII sign that a character is taken for, 0 if none.
func lookAlike(r rune) byte {
	switch r {
	case '“', '”', '„', '‟', '«', '»':
		return '"'
	case '‘', '’', '‚', '‛', '‹', '›':
		return '\''
	case '‐', '‑', '‒', '–', '−':
		return '-'
	}
	for i, c := range cyrillic {
		if c == r {
			return latin[i]
		}
	}
	return 0
}

// cyrillic letters, Greek ones among them, that look like the latin ones at the
// same place.
var (
	cyrillic = []rune("АВЕКМНОРСТХасеорхуіјѕԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧοІЈЅ")
	latin    = "ABEKMHOPCTXaceopxyijsdqwhABEZHIKMNOPTYXoIJS"
)
