package agentbridge

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkIdentity holds the rules every identifier obeys: present, valid UTF-8,
// no surrounding white space, no control characters, at most limit code points.
func checkIdentity(field, s string, limit int) error {
	switch {
	case s == "":
		return Refuse(Required, field, "must not be empty")
	case !utf8.ValidString(s):
		return Refuse(InvalidUTF8, field, "must be valid UTF-8")
	case strings.TrimSpace(s) != s:
		return Refuse(SurroundingWhitespace, field, "must not start or end with whitespace")
	case utf8.RuneCountInString(s) > limit:
		return Refuse(TooLong, field, "must be at most %d characters", limit)
	case strings.ContainsFunc(s, isControl):
		return Refuse(ControlCharacter, field, "must not contain control characters")
	}
	return nil
}

// isControl also covers the two Unicode line breaks: a name that spans lines
// could pretend to be a second line of ours.
func isControl(r rune) bool {
	return unicode.Is(unicode.Cc, r) || r == '\u2028' || r == '\u2029'
}

// checkText holds the rules for free text: valid UTF-8 and no NUL, which would
// end the text early in half the world's tools.
func checkText(field, s string) error {
	if !utf8.ValidString(s) {
		return Refuse(InvalidUTF8, field, "must be valid UTF-8")
	}
	if strings.IndexByte(s, 0) >= 0 {
		return Refuse(NULByte, field, "must not contain NUL bytes")
	}
	return nil
}

// Inert returns s with everything that a terminal or a reader's eye could obey
// (control, bidi and zero-width characters, broken UTF-8) written out as an
// escape. Line feeds and tabs stay. Text that agents wrote goes through here
// before a person's terminal sees it.
func Inert(s string) string {
	if !strings.ContainsFunc(s, isActive) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if isActive(r) && !isReplacement(s, i, r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isActive(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError
}

// isReplacement tells a U+FFFD that stands in the text from one that range
// made of a broken byte.
func isReplacement(s string, i int, r rune) bool {
	return r == utf8.RuneError && strings.HasPrefix(s[i:], "\uFFFD")
}

// InertLine is Inert for a single line: line feeds and tabs are escaped too.
func InertLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(Inert(s))
}
