package agentbridge

import "unicode"

// This file knows what single characters are: which are invisible, which are
// marks, which need a joiner or a variation selector.

// isOrdinary tells whether r stands in one of the large blocks in which nothing
// is invisible and nothing a mark. It is only a short cut.
func isOrdinary(r rune) bool {
	switch {
	case r < 0x2000: // Latin, Greek, Cyrillic, Armenian
		return r >= 0xc0 && r < 0x300 || r >= 0x370 && r < 0x483 || r >= 0x48a && r < 0x590
	case r < 0x3000: // dashes, quotes, arrows, symbols
		return r >= 0x2010 && r < 0x2028 || r >= 0x2190 && r < 0x2c00
	case r < 0x3400: // Japanese
		return r < 0x302a || r >= 0x3030 && r < 0x3099 || r >= 0x309b && r < 0x3164
	}
	return r < 0xa000 || r >= 0xac00 && r < 0xd7a4 || r >= 0xff01 && r < 0xff61 || r >= 0x1f000 && r < 0x1fb00
}

// isMark tells whether r stands on the character before it.
func isMark(r rune) bool {
	return r >= 0x300 && !isOrdinary(r) && unicode.Is(unicode.M, r)
}

// isSelector tells whether r chooses a variant of the character before it.
func isSelector(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x180b && r <= 0x180f && r != 0x180e
}

// hasVariant tells whether a selector has a meaning behind a base. A selector
// on any letter at all would be room for a hidden text, so the letters that
// have no variants get none.
func hasVariant(base, selector rune) bool {
	switch {
	case selector >= 0xe0100:
		return unicode.Is(unicode.Han, base)
	case selector < 0xfe00:
		return base >= 0x1800 && base < 0x18b0 // Mongolian
	case base < 0x80:
		return base >= '0' && base <= '9' || base == '#' || base == '*' // keycaps
	case unicode.IsLetter(base):
		return base >= 0x2100 && base < 0x2150 || // signs that count as letters
			base >= 0x1000 && base < 0x10a0 || base >= 0xa840 && base < 0xa880 || base >= 0x10ac0 && base < 0x10b00 || // Myanmar, Phags-pa, Manichaean
			unicode.Is(unicode.Han, base)
	}
	return true
}

// isEmoji tells whether r may be a part of an emoji that joiners hold
// together.
func isEmoji(r rune) bool {
	return r >= 0x1f000 && r <= 0x1faff || r >= 0x2190 && r <= 0x2bff
}

// joining are the scripts in which a joiner between two letters changes how
// they are written: Arabic and its neighbours, the scripts of India and
// South-East Asia, Mongolian.
var joining = []struct{ first, last rune }{
	{0x0600, 0x0dff}, {0x1000, 0x109f}, {0x1780, 0x18af}, {0x1900, 0x1cff}, {0xa800, 0xaaff}, {0xabc0, 0xabff},
	{0x10a00, 0x10aff}, {0x11000, 0x11fff}, {0x1e900, 0x1e95f},
}

func joinsLetters(r rune) bool {
	for _, script := range joining {
		if r < script.first {
			return false
		}
		if r <= script.last {
			return unicode.IsLetter(r) || isMark(r)
		}
	}
	return false
}

// isHidden tells whether r takes no place on a screen, or none that shows:
// format characters, fillers, joiners. Marks and selectors are no business of
// it, nor are the few format characters that are seen: they go under the
// digits behind them.
func isHidden(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case r == 0x34f, // grapheme joiner
		r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, // Hangul fillers
		r == 0x17b4, r == 0x17b5, // Khmer vowels without a form
		r == 0x2065, r >= 0xfff0 && r <= 0xfff8, r >= 0xe0000 && r <= 0xe0fff: // kept free for more of the kind
		return true
	case r >= 0x600 && r <= 0x605, r == 0x6dd, r == 0x70f, r == 0x890, r == 0x891, r == 0x8e2, r == 0x110bd, r == 0x110cd:
		return false
	}
	return !isOrdinary(r) && unicode.Is(unicode.Cf, r)
}
