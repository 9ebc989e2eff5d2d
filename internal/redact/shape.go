package redact

import "strings"

// shape counts what a value is made of. It decides whether text is random
// enough to be a secret, or is words.
type shape struct {
	lower, upper, digit, space, joint, other int // joint: - _ .
	wide                                     int // bytes beyond ASCII
}

func measure(s string) (k shape) {
	for i := range len(s) {
		switch c := s[i]; {
		case isLower(c):
			k.lower++
		case isUpper(c):
			k.upper++
		case isDigit(c):
			k.digit++
		case isSpace(c):
			k.space++
		case c == '-' || c == '_' || c == '.':
			k.joint++
		case c >= 0x80:
			k.wide++
		default:
			k.other++
		}
	}
	return k
}

// words tells that the value is letters and joints only.
func (k shape) words() bool { return k.digit == 0 && k.other == 0 }

// jumbled tells letters that change case as no word does: "yAFg-pnDH".
func jumbled(s string, k shape) bool {
	if k.upper < 2 || k.lower < 2 || k.letters() < 8 || k.letters()*2 >= (switches(s)+1)*5 {
		return false
	}
	odd := 0
	for i := 1; i < len(s); i++ {
		if isUpper(s[i]) && (isUpper(s[i-1]) || !isLetter(at(s, i+1)) && isLetter(s[i-1]) || isLower(s[i-1]) && isUpper(at(s, i-2))) {
			odd++
		}
	}
	return odd >= 2
}

func (k shape) letters() int { return k.lower + k.upper }

// entropy-like: a value of letters and digits that changes kind often is not
// an identifier. switches counts the changes between lower case, upper case
// and digits.
func switches(s string) int {
	n, last := 0, 0
	for i := range len(s) {
		kind := 0
		switch c := s[i]; {
		case isLower(c):
			kind = 1
		case isUpper(c):
			kind = 2
		case isDigit(c):
			kind = 3
		}
		if kind != last && last != 0 && kind != 0 {
			n++
		}
		last = kind
	}
	return n
}

// isMask tells whether s only stands where a secret would: one sign over and
// over, or little else.
func isMask(s string) bool {
	if len(s) < 2 {
		return false
	}
	n, signs := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '*', '.', '?', '#', '_', '-':
			n++
			signs++
		case 'x', 'X':
			n++
		default:
			if s[i] >= 0x80 && isDot(s, i) {
				n++
				signs++
			}
		}
	}
	if n == len(s) && (n >= 3 || signs == n) {
		return true
	}
	return n >= 6 && n*10 >= len(s)*7 && (strings.Contains(s, "***") || strings.Contains(s, "xxxx") || strings.Contains(s, "XXXX") || strings.Contains(s, "..."))
}

// isDot tells whether byte i belongs to one of the dots that hide passwords.
func isDot(s string, i int) bool {
	lo, hi := max(0, i-2), min(len(s), i+3)
	for _, dot := range []string{"•", "●", "…", "∙", "·"} {
		if strings.Contains(s[lo:hi], dot) {
			return true
		}
	}
	return false
}

// squash lowers the letters of a name and leaves out all else but digits. It
// writes to buf and returns what it wrote; a longer name keeps its end.
func squash(buf []byte, name string) []byte {
	n := 0
	for i := 0; i < len(name) && n < len(buf); i++ {
		switch c := name[i]; {
		case isUpper(c):
			buf[n] = c | 0x20
			n++
		case isLower(c) || isDigit(c):
			buf[n] = c
			n++
		}
	}
	return buf[:n]
}
