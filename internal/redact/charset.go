package redact

// charset is a set of bytes that the body of a token is made of.
type charset uint16

const (
	setDigit charset = 1 << iota
	setHexLow
	setHex
	setUpperNum
	setLowerNum
	setAlnum
	setWord    // letters, digits, _
	setBase64  // letters, digits, +/=
	setURLSafe // letters, digits, _-
	setDotted  // letters, digits, _-.
	setPath    // letters, digits, _-./=+%~:@&?
	setSpace   // space, tab, line ends
	setPrint   // visible ASCII
	setIdent   // letters, digits, _-. and $: what a name may hold
	setDollar  // $ and ,
	setTilde   // ~
)

// sets tells for each byte which sets it belongs to.
var sets = makeSets()

func makeSets() (t [256]charset) {
	add := func(set charset, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= set
		}
	}
	const digits, lower, upper = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const alnum = digits + lower + upper
	add(setDigit, digits)
	add(setHexLow, digits+"abcdef")
	add(setHex, digits+"abcdefABCDEF")
	add(setUpperNum, digits+upper)
	add(setLowerNum, digits+lower)
	add(setAlnum, alnum)
	add(setWord, alnum+"_")
	add(setBase64, alnum+"+/=")
	add(setURLSafe, alnum+"_-")
	add(setDotted, alnum+"_-.")
	add(setPath, alnum+"_-./=+%~:@&?")
	add(setSpace, " \t\r\n")
	add(setIdent, alnum+"_-.$")
	add(setDollar, "$,")
	add(setTilde, "~")
	for c := '!'; c <= '~'; c++ {
		t[c] |= setPrint
	}
	return t
}

// run returns the end of the longest run of bytes of set that starts at i. It
// looks at most at limit bytes.
func run(s string, i int, set charset, limit int) int {
	stop := min(len(s), i+limit)
	for i < stop && sets[s[i]]&set != 0 {
		i++
	}
	return i
}

// is tells whether all of s is in set; the empty string is not.
func is(s string, set charset) bool {
	return s != "" && run(s, 0, set, len(s)) == len(s)
}

func at(s string, i int) byte {
	if i < 0 || i >= len(s) {
		return 0
	}
	return s[i]
}

func isAlnum(c byte) bool  { return sets[c]&setAlnum != 0 }
func isDigit(c byte) bool  { return sets[c]&setDigit != 0 }
func isLower(c byte) bool  { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool  { return c >= 'A' && c <= 'Z' }
func isLetter(c byte) bool { return isLower(c | 0x20) }
func isSpace(c byte) bool  { return sets[c]&setSpace != 0 }
func isQuote(c byte) bool  { return c == '"' || c == '\'' || c == '`' }

// boundary tells whether a token may begin at i: nothing that belongs to a
// word stands before it. The n of an escaped "\n" does not count as a word.
func boundary(s string, i int) bool {
	c := at(s, i-1)
	if !isAlnum(c) {
		return true
	}
	if at(s, i-2) == '\\' {
		return c == 'n' || c == 't' || c == 'r'
	}
	return at(s, i-3) == '%' && sets[c]&setHex != 0 && sets[s[i-2]]&setHex != 0
}

// skipBlank returns the first place from i on that is no space or tab.
func skipBlank(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

// skipSpace is skipBlank over line ends too, but at most limit bytes.
func skipSpace(s string, i, limit int) int { return run(s, i, setSpace, limit) }

// lineEnd returns the end of the line at i, at most limit bytes on.
func lineEnd(s string, i, limit int) int {
	stop := min(len(s), i+limit)
	for i < stop && s[i] != '\n' && s[i] != '\r' {
		i++
	}
	return i
}

// lineStart returns where the line of i begins, at most limit bytes back.
func lineStart(s string, i, limit int) int {
	stop := max(0, i-limit)
	for i > stop && s[i-1] != '\n' {
		i--
	}
	return i
}

// equalFold compares with a lower-case ASCII word, ignoring case.
func equalFold(s, lower string) bool {
	return len(s) == len(lower) && hasPrefixFold(s, lower)
}

// hasPrefixFold is strings.HasPrefix for a lower-case ASCII prefix, ignoring
// case.
func hasPrefixFold(s, lower string) bool {
	if len(s) < len(lower) {
		return false
	}
	for i := range len(lower) {
		c := s[i]
		if isUpper(c) {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// containsFold is strings.Contains for a lower-case ASCII word, ignoring case.
func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if hasPrefixFold(s[i:], lower) {
			return true
		}
	}
	return false
}
