package redact

import "strings"

// operator is what stands between a name and its value. It decides how much of
// a secret the value must look like.
type operator uint8

const (
	opNone    operator = iota
	opAssign           // = := => ?= <-
	opColon            // :
	opCompare          // == !=
	opArrow            // -> and the like, in prose
	opCall             // ("x") and "name", "x"
	opCell             // | in a table
	opElement          // <name>x</name>
	opVerb             // is, was, to
	opNext             // nothing but a blank
	opFlag             // --name x
	opPair             // name: NAME, value: x
)

// slot is a place where a secret may stand, under a name.
type slot struct {
	kind       kind
	start, end int // the name
	op         operator
	quoted     bool // the name is
	tight      bool // no blank at either side of the operator
}

// keyed looks for a value under the name that holds the hit.
func (s *scan) keyed(h hit) {
	if h.end <= s.nameEnd || h.start < s.covered {
		return
	}
	start, end := s.name(h)
	s.nameEnd = h.end
	sl := slot{start: start, end: end}
	if s.text[h.start] >= 0x80 {
		sl.kind = kindPassword
	} else if sl.kind = classify(s.text[start:end]); sl.kind == noSecret {
		s.otherKey(sl)
		return
	}
	s.nameEnd = max(end, h.end)
	at, ok := s.operator(&sl)
	if !ok {
		s.pair(sl)
		s.tagged(sl)
		return
	}
	if c := s.text[at:min(len(s.text), at+1)]; c == "{" && (sl.op == opColon || sl.op == opAssign) {
		s.inObject(sl, at)
	}
	s.value(sl, at)
}

// name returns the extent of the name round a hit. A bare "key" takes the word
// before it along, as in "API key".
func (s *scan) name(h hit) (int, int) {
	t := s.text
	start := h.start
	for start > 0 && h.start-start < maxName && sets[t[start-1]]&setIdent != 0 {
		start--
	}
	end := run(t, h.end, setIdent, maxName)
	for end > h.end && !isAlnum(t[end-1]) {
		end--
	}
	if end < len(t) && t[end] >= 0x80 {
		for end < len(t) && t[end] >= 0x80 {
			end++
		}
		end = run(t, end, setWord, 8)
	}
	for start < h.start && (t[start] == '-' || t[start] == '.') {
		start++
	}
	if (equalFold(t[start:end], "key") || equalFold(t[start:end], "phrase") || equalFold(t[start:end], "code")) && at(t, start-1) == ' ' && start > 1 {
		back := start - 1
		for back > 0 && start-back < 16 && isAlnum(t[back-1]) {
			back--
		}
		if back < start-1 {
			start = back
		}
	}
	return start, end
}

// operator finds what follows the name and where the value may begin.
func (s *scan) operator(sl *slot) (int, bool) {
	t := s.text
	p := s.closeName(sl)
	q := skipBlank(t, p)
	if q >= len(t) {
		return 0, false
	}
	spaced := q > p
	if after := remark(t, q); spaced && after > 0 {
		q = after
	}
	sl.op, q = readOperator(t, q, spaced, sl)
	if sl.op == opNone {
		return 0, false
	}
	v := skipBlank(t, q)
	sl.tight = !spaced && v == q
	return v, true
}

// readOperator reads the operator at q. spaced tells of a blank before it.
func readOperator(t string, q int, spaced bool, sl *slot) (operator, int) {
	next := at(t, q+1)
	switch c := t[q]; c {
	case '=':
		if next == '=' {
			return opCompare, q + len(leading(t[q:], "="))
		}
		if next == '>' {
			return opAssign, q + 2
		}
		if next == '~' {
			return opNone, 0
		}
		return opAssign, q + 1
	case '!':
		if next == '=' {
			return opCompare, q + len(leading(t[q:], "!="))
		}
	case ':':
		if next == '=' {
			return opAssign, q + 2
		}
		if at(t, sl.start-1) == ':' && !spaced && !sl.quoted && at(t, q+1) != ' ' {
			return opNone, 0
		}
		if next == ':' || next == '/' && at(t, q+2) == '/' {
			return opNone, 0
		}
		if p := q + 1; at(t, p) == '*' || at(t, p) == '_' && at(t, p+1) == '_' {
			return opColon, q + 1 + len(leading(t[p:], "*_"))
		}
		return opColon, q + 1
	case '?', '+', '|':
		if next == '=' {
			return opAssign, q + 2
		}
		if c == '|' && next == '|' && at(t, q+2) == '=' {
			return opAssign, q + 3
		}
		if c == '|' && next != '|' && (spaced || next == ' ') && !inTemplate(t[:q]) {
			return opCell, q + 1
		}
	case '-':
		if next == '>' && spaced {
			return opArrow, q + 2
		}
		if spaced && next == ' ' {
			return opArrow, q + 1
		}
	case '<':
		if next == '-' {
			return opAssign, q + 2
		}
	case '%':
		if len(t) > q+3 && (t[q+1:q+3] == "3D" || t[q+1:q+3] == "3d" || t[q+1:q+3] == "3A") {
			return opAssign, q + 3
		}
	case ',':
		if sl.quoted && at(t, sl.end) != '`' {
			return opCall, q + 1
		}
	case '(':
		if !spaced && isQuote(at(t, skipBlank(t, q+1))) {
			return opCall, q + 1
		}
	case '>':
		return opElement, q + 1
	}
	return readWordOperator(t, q, spaced, sl)
}

// readWordOperator reads operators that are words, or no operator at all.
func readWordOperator(t string, q int, spaced bool, sl *slot) (operator, int) {
	for _, arrow := range []string{"→", "⇒", "：", "＝", "–", "—", "&gt;", "'s "} {
		if strings.HasPrefix(t[q:], arrow) {
			return opArrow, q + len(arrow)
		}
	}
	if spaced && strings.HasPrefix(t[sl.start:], "value") {
		return opNone, 0
	}
	if !spaced || sl.quoted && at(t, sl.end) == '`' {
		return opNone, 0
	}
	if isFlag(t, sl.start) {
		return opFlag, q
	}
	if sl.kind.weak() && !equalFold(t[sl.start:sl.end], "pw") && hasPrefixFold(t[q:], "to ") {
		return opNone, 0
	}
	if p := verb(t, q); p > 0 {
		return opVerb, p
	}
	return opNext, q
}

// isFlag tells whether a name is an option of a command: "--" or "-" before it.
func isFlag(t string, start int) bool {
	i := start
	for i > 0 && sets[t[i-1]]&setURLSafe != 0 && start-i < 40 {
		i--
	}
	return at(t, i) == '-' && (i == 0 || isSpace(t[i-1]) || isQuote(t[i-1]))
}

// leading returns the longest prefix of s made of chars.
func leading(s, chars string) string {
	return s[:len(s)-len(strings.TrimLeft(s, chars))]
}

// value reads the value at p and accepts it if it looks like a secret there.
func (s *scan) value(sl slot, p int) {
	if s.phrase(sl, p) {
		return
	}
	v, ok := s.read(&sl, p)
	if !ok || !s.plausible(sl, v) {
		if ok {
			s.afterType(sl, v)
		}
		if sl.op == opNext || sl.op == opCell || sl.op == opCall || sl.op == opElement || !ok {
			s.pair(sl)
		}
		return
	}
	placeholder := sl.kind.placeholder()
	if (sl.kind == kindToken || sl.kind.weak()) && v.end-v.start == 64 && is(s.text[v.start:v.end], setHexLow) {
		placeholder = agentbridgeToken
	}
	s.add(v.start, v.end, placeholder, sl.kind.rank())
	s.before(sl, v)
}

// afterType reads on where a type stood in the way: "password: str = x" and
// "password string = x".
func (s *scan) afterType(sl slot, v value) {
	if sl.op != opColon && sl.op != opNext || v.quote != 0 {
		return
	}
	q := skipBlank(s.text, v.next)
	if at(s.text, q) == ':' && at(s.text, q+1) == '=' {
		q++
	}
	if at(s.text, q) != '=' || at(s.text, q+1) == '=' || at(s.text, q+1) == '>' {
		return
	}
	sl.op = opAssign
	if v, ok := s.read(&sl, skipBlank(s.text, q+1)); ok && v.quote != 0 && s.plausible(sl, v) {
		s.add(v.start, v.end, sl.kind.placeholder(), sl.kind.rank())
	}
}

// inTemplate tells whether text ends within {{ }}, where a bar hands a value on
// to a function.
func inTemplate(text string) bool {
	line := text[strings.LastIndexByte(text, '\n')+1:]
	return strings.LastIndex(line, "{{") > strings.LastIndex(line, "}}")
}
