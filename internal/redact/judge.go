package redact

import "strings"

// plausible tells whether a value can be a secret where it stands. Names lie
// less than values, but code, forms and manuals speak of passwords all day
// without holding one.
func (s *scan) plausible(sl slot, v value) bool {
	text := s.text[v.start:v.end]
	if sl.op == opAssign && sl.tight && isBraced(text, sl.kind) {
		return at(s.text, v.next) == ';' // Pwd={…}; of a connection string
	}
	if s.speaks(sl, v, text) {
		return false
	}
	k := measure(text)
	if k.words() && jumbled(text, k) {
		k.digit += 2 // no words after all
	}
	if (k.words() && !sl.tight || k.wide > 0) && v.quote == 0 && isForeignName(s.text[sl.start:sl.end]) {
		return false // "Passwort: erforderlich"
	}
	switch sl.op {
	case opCompare:
		return v.quote != 0 && !k.words() && k.space == 0 && len(text) >= 6 && !v.open
	case opCall:
		return s.argumentValue(sl, v, text, k)
	case opElement:
		return k.space == 0 && plainValue(text, k, sl.kind) || sl.kind == kindPassword && k.digit > 0 && !isSentence(text)
	case opCell:
		return solid(text, k, sl.kind)
	case opVerb:
		return s.afterVerb(sl, v, text, k)
	case opNext:
		return s.adjacent(sl, v, text, k)
	case opFlag:
		return k.space == 0 && flagValue(text, k, sl.kind) || v.quote != 0 && !v.open && plainValue(text, k, sl.kind)
	}
	switch {
	case v.quote != 0:
		return quotedValue(text, k, sl, v)
	case v.indented:
		return s.belowValue(sl, v, text, k)
	}
	return s.bareValue(sl, v, text, k)
}

// speaks tells values that are no secrets under any name: stand-ins,
// references, the name again, pieces of code.
func (s *scan) speaks(sl slot, v value, text string) bool {
	name := s.text[sl.start:sl.end]
	switch {
	case isPlaceholder(text) || isStandIn(text) || isReference(text) || isEscapes(text) || sameWords(text, name):
		return true
	case v.quote != 0 && sl.tight && strings.IndexByte("+,);:.", text[0]) >= 0 && (v.open || len(text) < 32):
		return true // the quote closed the literal that holds the name
	case isPattern(text) || isUUID(text) && containsFold(name, "session") && sl.kind.weak():
		return true // of sed; of an agent, which tells its session's id all the time
	case v.quote == 0 && (strings.HasSuffix(text, "/") || strings.HasSuffix(text, "/g")) && isStandIn(strings.TrimRight(text, "/g")):
		return true // of sed again
	case text[0] == '\'' || text[0] == ':' && isQuote(at(text, 1)):
		return true // a variable of psql
	case v.quote == 0 && sl.op == opAssign && strings.IndexByte(text, ',') > 0 && strings.Contains(text[:strings.IndexByte(text, ',')], ".") && isMembers(text[:strings.IndexByte(text, ',')]):
		return true // a=b.c,d() of minified code
	case name == "PWD" && !solid(text, measure(text), kindPassword):
		return true // a directory
	case sl.kind == kindPrivateKey && strings.HasPrefix(text, "-----"):
		return true // for the scanner of PEM
	case sl.kind == kindPassword:
		return false
	case text[0] == '#' && measure(text[1:]).words():
		return true
	}
	return !sl.kind.weak() && (isName(text) || sameWords(strings.TrimRight(text, "0123456789"), name))
}

// isBraced tells a value in braces that is no variable.
func isBraced(text string, kd kind) bool {
	if len(text) < 6 || text[0] != '{' || text[len(text)-1] != '}' {
		return false
	}
	inner := text[1 : len(text)-1]
	return solid(inner, measure(inner), kd)
}

// argumentValue judges the literal of set("name", "value").
func (s *scan) argumentValue(sl slot, v value, text string, k shape) bool {
	if at(s.text, sl.start-1) == '/' || v.quote == 0 || v.open || !s.setter(sl) || containsFold(text, "password") {
		return false
	}
	plain := measure(text)
	return solid(text, k, sl.kind) && (sl.kind == kindPassword || plain.digit+plain.other > 1 || len(text) >= 20 && jumbled(text, plain))
}

// belowValue judges the one word on the line below "name:".
func (s *scan) belowValue(sl slot, v value, text string, k shape) bool {
	if solid(text, k, sl.kind) {
		return true
	}
	if sl.kind != kindPassword || k.upper > 0 && k.words() || lineIndent(s.text, v.start) <= lineIndent(s.text, sl.start) {
		return false
	}
	return k.words() || len(text) >= 4 && k.digit > 0 && k.letters() > 0
}

// plainValue is for places that hold nothing but a value: an element, a JSON
// field. Words are secrets there if the name is plain enough.
func plainValue(text string, k shape, kd kind) bool {
	if isTechnical(text) || isURL(text) || isPath(text) {
		return false
	}
	switch kd {
	case kindPassword:
		return !isSentence(text) && !isLabel(text)
	case kindWeak, kindPass:
		return k.space == 0 && k.digit > 0 && k.letters() > 2 && len(text) >= weakLeast(kd) && text[0] != '\\'
	case kindPrivateKey:
		return k.digit > 0 && len(text) >= 20
	case kindSecret, kindAWS:
		return k.space == 0 && (!k.words() || len(text) >= 8 && k.joint == 0) && len(text) >= 4 && !isLabel(text)
	default:
		return k.space == 0 && (!k.words() && len(text) >= 4 || len(text) >= 20 && (k.joint == 0 || k.upper > 0 && k.lower > 0))
	}
}

// weakLeast is how long a value must be under a name that proves little.
func weakLeast(kd kind) int {
	if kd == kindWeak {
		return 12
	}
	return 6
}

// solid asks for letters and digits, or signs, and some length: a value that no
// sentence and no program would have there.
func solid(text string, k shape, kd kind) bool {
	if k.space > 0 || isTechnical(text) || isURL(text) || isPath(text) || isCode(text) || k.letters() == 0 && kd != kindPassword {
		return false
	}
	if k.digit == 0 && (containsFold(text, "password") || containsFold(text, "passwd")) {
		return false
	}
	if k.digit == 0 && k.other == 0 {
		return jumbled(text, k)
	}
	least := 8
	if kd == kindPassword || kd.weak() {
		least = 6
	}
	return len(text) >= least && (k.digit > 0 || k.other > 0 && kd == kindPassword)
}

func quotedValue(text string, k shape, sl slot, v value) bool {
	if isCode(text) && k.space > 0 || v.quote != '|' && strings.ContainsAny(text, "\n\r") {
		return false
	}
	if v.open {
		return solid(text, k, sl.kind)
	}
	if sl.kind == kindPassword && sl.op == opColon && strings.Contains(text, "|") && hasPrefixFold(text, "required") {
		return false
	}
	return plainValue(text, k, sl.kind)
}
