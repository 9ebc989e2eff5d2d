package agentbridge

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// checkName holds the rules of names by which agents know each other and their
// channels, and returns the name in the one form it is stored in: Unicode's
// NFKC, so that what looks equal to a keyboard is equal to us. Besides the
// rules of every identifier, a name has no invisible characters, none without a
// meaning, no beginning that a program would take for an option or a hidden
// file, no way up in a path, and no word of two alphabets that share letters.
func checkName(field, s string, limit int) (string, error) {
	if len(s) > limit*maxFolded {
		return "", Refuse(TooLong, field, "must be at most %d characters", limit)
	}
	ascii := isASCII(s)
	if !ascii && utf8.ValidString(s) {
		s = norm.NFKC.String(s)
	}
	if err := checkIdentity(field, s, limit); err != nil {
		return "", err
	}
	switch {
	case s[0] == '-' || s[0] == '.':
		return "", Refuse(InvalidFormat, field, "must not begin with %q; begin it with a letter or a digit", s[:1])
	case climbs(s):
		return "", Refuse(InvalidFormat, field, `must not hold ".." between slashes; leave it out`)
	}
	if ascii {
		return s, nil
	}
	if err := checkShown(field, s); err != nil {
		return "", err
	}
	return s, checkScripts(field, s)
}

// maxFolded is how many bytes one character of a normalised name may have been
// before: three letters of a Hangul syllable, or a letter with several marks.
// It bounds the work of normalising, not the name.
const maxFolded = 16

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// climbs tells whether a segment of s between slashes of either kind is "..".
func climbs(s string) bool {
	if !strings.Contains(s, "..") {
		return false
	}
	for segment := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == ".." {
			return true
		}
	}
	return false
}

// checkShown refuses what a reader would not see, or not know: two names that
// differ in such a character look the same.
func checkShown(field, s string) error {
	for _, r := range s {
		switch {
		case isHidden(r) || unicode.Is(unicode.Cf, r):
			return Refuse(ControlCharacter, field, "must not contain invisible or formatting characters; take out %U", r)
		case unicode.In(r, unicode.Co, unicode.Cn):
			return Refuse(InvalidFormat, field, "must not contain characters that have no meaning in Unicode; take out %U", r)
		}
	}
	return checkClean(field, s)
}

// checkClean refuses what Clean would change, in a label that is refused
// rather than changed: whoever gave it will look for what they gave.
func checkClean(field, s string) error {
	if _, removed := Clean(s); removed == 0 {
		return nil
	}
	for _, r := range s {
		if isHidden(r) && r != zwj && r != zwnj { // those two may be right where they are
			return Refuse(ControlCharacter, field, "must not contain invisible or formatting characters; take out %U", r)
		}
	}
	return Refuse(ControlCharacter, field, "must not contain invisible characters, or more than %d marks on one letter; take them out", maxMarks)
}

// alphabets share letters that look the same. Words of one of them are words;
// a word of two is somebody else's name in disguise.
var alphabets = []struct {
	name  string
	table *unicode.RangeTable
}{
	{"Latin", unicode.Latin}, {"Cyrillic", unicode.Cyrillic}, {"Greek", unicode.Greek},
	{"Armenian", unicode.Armenian}, {"Cherokee", unicode.Cherokee}, {"Coptic", unicode.Coptic}, {"Lisu", unicode.Lisu},
}

// checkScripts refuses a word of two alphabets. Digits and marks belong to the
// word they stand in; anything else ends it.
func checkScripts(field, s string) error {
	word := -1 // the alphabet of the current word, an index
	for _, r := range s {
		if !unicode.IsLetter(r) {
			if !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) {
				word = -1
			}
			continue
		}
		is := alphabetOf(r)
		if is < 0 {
			continue
		}
		if word >= 0 && word != is {
			return Refuse(InvalidFormat, field, "must not mix %s and %s letters in one word; write each word in one alphabet",
				alphabets[min(word, is)].name, alphabets[max(word, is)].name)
		}
		word = is
	}
	return nil
}

func alphabetOf(r rune) int {
	if r < utf8.RuneSelf {
		return 0
	}
	for i, a := range alphabets {
		if unicode.Is(a.table, r) {
			return i
		}
	}
	return -1
}

// reserved are the names under which people expect the bridge itself to speak,
// or whoever runs it.
var reserved = []string{"system", "bridge", "operator", "admin"}

// checkReserved refuses a sender or consumer that would be taken for one of
// them: in capitals, with digits for letters, with accents, in letters of
// another alphabet.
func checkReserved(field, name string) error {
	var buffer [4 * len("operator")]byte
	folded, fits := foldName(buffer[:0], name)
	if !fits {
		return nil
	}
	for _, word := range reserved {
		if string(folded) == word {
			return Refuse(Reserved, field, "must not look like %q, which is reserved for the bridge and the people who run it; choose another name", word)
		}
	}
	return nil
}

// foldName appends to b what a hasty reader takes the name for. It reports
// false for a name that is longer than any reserved one.
func foldName(b []byte, name string) ([]byte, bool) {
	if !isASCII(name) {
		if len(name) > 16*cap(b) {
			return b, false
		}
		name = norm.NFKD.String(LookAlike(name)) // accents become marks
	}
	for _, r := range name {
		if unicode.Is(unicode.M, r) {
			continue
		}
		if len(b) == cap(b) {
			return b, false
		}
		if b = append(b, foldLetter(r)); len(b) >= 2 && string(b[len(b)-2:]) == "rn" {
			b = append(b[:len(b)-2], 'm')
		}
	}
	return b, true
}

func foldLetter(r rune) byte {
	switch r {
	case '1', 'l', 'L', '|', '!':
		return 'i'
	case '0':
		return 'o'
	case '3':
		return 'e'
	case '4', '@':
		return 'a'
	case '5', '$':
		return 's'
	case '7':
		return 't'
	}
	if r >= 'A' && r <= 'Z' {
		return byte(r) + 'a' - 'A'
	}
	if r < utf8.RuneSelf {
		return byte(r)
	}
	return '?'
}
