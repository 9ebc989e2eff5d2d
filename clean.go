package agentbridge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks may follow one base character. The
// scripts that stack most (Tibetan, Hebrew with accents) need six; the stacks
// that run over other people's lines have dozens.
const maxMarks = 8

// Clean takes out of text what no reader should obey and no writer needs:
// control characters except line feed, tab, and carriage return before a line
// feed; bidi controls, zero-width and other invisible characters, except where
// a script or an emoji needs them (joiners between letters, one variation
// selector behind a character that has variants, the tags of a flag);
// combining marks beyond eight on one base; and bytes that are not UTF-8. Line
// and paragraph separators become line feeds. It returns how many characters
// it took out or replaced.
//
// Text that is clean comes back as it is, without an allocation, and what
// comes back is clean: Clean(Clean(s)) is Clean(s).
func Clean(s string) (clean string, removed int) {
	var (
		c    cleaner
		out  strings.Builder
		from int // what stands in s from here to i is kept, and not yet in out
	)
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i = c.plainRun(s, i)
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		keep, with := c.judge(r, s[i:], size)
		if keep > 0 {
			i += keep
			continue
		}
		if removed == 0 {
			out.Grow(len(s))
		}
		removed++
		out.WriteString(s[from:i])
		out.WriteString(with)
		i += size
		from = i
	}
	if removed == 0 {
		return s, 0
	}
	out.WriteString(s[from:])
	return out.String(), removed
}

// plain are the bytes that always stay: ASCII that is printed, line feed, tab.
var plain = func() (table [256]bool) {
	for b := ' '; b < 0x7f; b++ {
		table[b] = true
	}
	table['\n'], table['\t'] = true, true
	return table
}()

// cleaner knows what stands before the character that is being judged, of what
// is kept.
type cleaner struct {
	base  rune // the last character that is no mark, selector or joiner
	last  rune // the last character
	marks int  // how many marks stand on base
}

// plainRun goes over bytes that always stay and returns where they end.
func (c *cleaner) plainRun(s string, i int) int {
	for ; i+4 <= len(s); i += 4 { // four at a time take half as long
		if four := s[i : i+4]; !(plain[four[0]] && plain[four[1]] && plain[four[2]] && plain[four[3]]) {
			break
		}
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	c.begin(rune(s[i-1]))
	return i
}

// begin notes a new base.
func (c *cleaner) begin(r rune) { *c = cleaner{base: r, last: r} }

// judge tells how many bytes of rest, which begins with r, are kept; if none
// are, what stands in r's place.
func (c *cleaner) judge(r rune, rest string, size int) (keep int, with string) {
	switch {
	case isOrdinary(r), r == '\r' && strings.HasPrefix(rest, "\r\n"):
		c.begin(r)
	case r == utf8.RuneError && size == 1:
		return 0, ""
	case r == '\u2028' || r == '\u2029':
		c.begin('\n')
		return 0, "\n"
	case r < 0xa0: // ASCII that is not plain, and C1
		return 0, ""
	case r == zwj || r == zwnj:
		if !c.joins(r, rest[size:]) {
			return 0, ""
		}
		c.last = r
	case isSelector(r):
		if c.last != c.base || !hasVariant(c.base, r) {
			return 0, ""
		}
		c.last = r
	case r >= 0xe0000 && r <= 0xe007f:
		n := flagTags(rest)
		if c.last != blackFlag || n == 0 {
			return 0, ""
		}
		c.last = cancelTag
		return n, ""
	case isHidden(r):
		return 0, ""
	case isMark(r):
		if c.marks == maxMarks {
			return 0, ""
		}
		c.marks++
		c.last = r
	default:
		c.begin(r)
	}
	return size, ""
}

const (
	zwnj      = '\u200c'
	zwj       = '\u200d'
	blackFlag = '\U0001f3f4'
	cancelTag = '\U000e007f'
)

// joins tells whether a joiner is needed between what is kept and what
// follows: in an emoji made of several, or between the letters of a script
// whose letters change shape beside each other.
func (c *cleaner) joins(joiner rune, rest string) bool {
	if c.last == zwj || c.last == zwnj {
		return false
	}
	next, _ := utf8.DecodeRuneInString(rest)
	if joiner == zwj && isEmoji(c.base) && isEmoji(next) {
		return true
	}
	if !joinsLetters(c.last) || !joinsLetters(next) {
		return false
	}
	// A mark may follow, but not one that will be taken out.
	return unicode.IsLetter(next) || !isSelector(next) && !isHidden(next) && c.marks < maxMarks
}

// flagTags returns the length of the tags at the beginning of s if they make a
// flag of a region: two letters of a country, one to three characters of its
// part, and the end (Unicode TS #51, §1.4.4).
func flagTags(s string) int {
	n, size := 0, 0
	for _, r := range s {
		size += 4
		switch {
		case r == cancelTag && n >= 3:
			return size
		case r >= 0xe0061 && r <= 0xe007a:
		case r >= 0xe0030 && r <= 0xe0039 && n >= 2:
		default:
			return 0
		}
		if n++; n > 5 {
			return 0
		}
	}
	return 0
}
