package redact

import "strings"

// remark returns where the operator stands behind a remark in brackets between
// name and value, "(prod):" or "[None]:"; 0 if there is none.
func remark(t string, q int) int {
	shut := byte(')')
	switch at(t, q) {
	case '[':
		shut = ']'
	case '(':
	default:
		return 0
	}
	i := strings.IndexByte(t[q:min(len(t), q+48)], shut)
	if i < 0 || strings.ContainsAny(t[q:q+i], "\n\"=;{") {
		return 0
	}
	p := skipBlank(t, q+i+1)
	switch rest := t[p:]; {
	case rest == "":
		return 0
	case rest[0] == ':' || rest[0] == '=' && at(rest, 1) != '=' && at(rest, 1) != '>':
		return p
	case p > q+i+1 && (strings.HasPrefix(rest, "is ") || strings.HasPrefix(rest, "– ") || strings.HasPrefix(rest, "- ") || strings.HasPrefix(rest, "— ") || strings.HasPrefix(rest, "-> ")):
		return p
	}
	return 0
}

// closeName skips what closes a name: quotes, brackets, emphasis.
func (s *scan) closeName(sl *slot) int {
	t, p := s.text, sl.end
	for n := 0; p < len(t) && n < 8; n++ {
		switch c := t[p]; {
		case strings.HasPrefix(t[p:], "'s "):
			return p
		case isQuote(c):
			sl.quoted = true
		case c == '\\' && (at(t, p+1) == '"' || at(t, p+1) == '\'' || at(t, p+1) == '\\'):
		case c == '*' || c == ']' || c == ')' && at(t, p+1) != ' ' || c == '?' && at(t, p+1) == ':':
		case strings.HasPrefix(t[p:], "&quot;"):
			sl.quoted = true
			p += 5
		case strings.HasPrefix(t[p:], "[]") || c == '[' && closesAt(t, p) > 0:
			p = closesAt(t, p) - 1
		case c == '(' && at(t, p+1) == 's' && at(t, p+2) == ')':
			p += 2
		default:
			return p
		}
		p++
	}
	return p
}

// closesAt returns the end of a short "[…]" at p, 0 if there is none.
func closesAt(t string, p int) int {
	for q := p + 1; q < len(t) && q < p+8; q++ {
		if t[q] == ']' {
			return q + 1
		}
		if !isAlnum(t[q]) {
			return 0
		}
	}
	return 0
}
