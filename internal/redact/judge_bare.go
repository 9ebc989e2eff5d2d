package redact

import "strings"

// bareValue judges a value without quotes behind "=", ":" or "->".
func (s *scan) bareValue(sl slot, v value, text string, k shape) bool {
	if isCode(text) || isTechnical(text) || isURL(text) || isPath(text) {
		return false
	}
	after := at(s.text, v.next)
	if after == '(' || after == '[' || after == '{' {
		return false
	}
	if (after == ',' || after == ';') && sameWords(strings.TrimRight(text, "0123456789"), s.text[sl.start:sl.end]) {
		return false
	}
	if k.words() {
		return s.bareWord(sl, v, text, k)
	}
	if sl.kind == kindPrivateKey && len(text) < 32 {
		return false
	}
	if sl.op != opAssign || sl.tight {
		return s.bareMixed(sl, v, text, k)
	}
	// With blanks round "=" this may be a program.
	if isIdentifier(text) && (looksNamed(text) || after == ';' && switches(text) < 3) {
		return false
	}
	if text[0] == '&' || text[0] == '*' || text[0] == '!' || text[0] == '-' {
		return len(text) >= 8 && k.digit > 0
	}
	least := 6
	if sl.kind == kindPassword && lineStart(s.text, sl.start, maxName) == sl.start {
		least = 3
	}
	return len(text) >= least && (k.letters() > 0 || sl.kind == kindPassword)
}

func (s *scan) bareMixed(sl slot, v value, text string, k shape) bool {
	if sl.op == opAssign && isIdentifier(text) && looksNamed(text) && inCall(s.text, sl.start, v.next) {
		return false
	}
	least := 6
	if sl.tight && sl.op == opAssign && isConstant(s.text[sl.start:sl.end]) && k.letters() > 0 {
		least = 2
	}
	switch sl.kind {
	case kindPrivateKey:
		least = 32
	case kindPassword:
		least = 3
		if !v.last && sl.op != opAssign {
			least = 5
		}
	case kindWeak, kindPass:
		return len(text) >= weakLeast(sl.kind) && k.letters() > 0 && k.digit > 0 && (v.last || sl.op == opAssign)
	}
	if k.letters() == 0 && sl.kind != kindPassword {
		return false
	}
	if k.digit == 0 && sl.op != opAssign && !v.last {
		return k.other >= 1 && len(text) >= 6 && k.letters() > 0 && sl.kind == kindPassword && !strings.ContainsAny(text, "()/,")
	}
	return len(text) >= least
}

// bareWord judges a value of letters only. It is a secret in a file of settings
// and a name in a program.
func (s *scan) bareWord(sl slot, v value, text string, k shape) bool {
	after := at(s.text, v.next)
	if k.joint > 0 && strings.Contains(text, ".") || text == "" {
		return false
	}
	if sl.kind != kindPassword && (sl.kind.weak() || k.joint > 0 && len(text) < 20) {
		return false
	}
	constant := isConstant(s.text[sl.start:sl.end])
	if isLabel(text) && !(constant && sl.tight && sl.op == opAssign && k.joint == 0 && k.upper == 0) {
		return false
	}
	if inCall(s.text, sl.start, v.next) || after == ';' && (s.codeLine(sl.start)) {
		return false
	}
	if sl.kind != kindPassword {
		random := len(text) >= 20 && k.joint == 0 && k.upper > 0 && k.lower > 0 && switches(text) >= 5
		return random || sl.op == opAssign && sl.tight && (constant && (len(text) >= 3 || sl.kind == kindSecret) || len(text) >= 16 && k.joint == 0 && k.upper == 0) && !isCamel(text)
	}
	switch {
	case sl.op == opAssign && sl.tight:
		return !s.codeLine(sl.start) && (constant || !isCamel(text) && !strings.Contains(text, "_"))
	case sl.op == opAssign:
		atStart := lineStart(s.text, sl.start, maxName) == sl.start
		return atStart && v.last && (constant || k.upper == 0 && k.joint == 0) && !s.codeLine(sl.start)
	case sl.op == opColon:
		return v.last && k.upper == 0 && !strings.Contains(text, "_") && after != ',' && after != ';' && s.ownLine(sl.start)
	}
	return v.last && k.upper == 0 && len(text) >= 5 && s.ownLine(sl.start)
}

// ownLine tells whether nothing but list signs stands before i on its line, or
// a line end written as two characters.
func (s *scan) ownLine(i int) bool {
	head := s.text[lineStart(s.text, i, maxName):i]
	return strings.Trim(head, " \t-*>#\"'_") == "" || strings.HasSuffix(head, `\n`)
}

// codeLine tells whether the line declares or assigns in a program.
func (s *scan) codeLine(i int) bool {
	head := strings.TrimLeft(s.text[lineStart(s.text, i, maxName):i], " \t")
	for _, w := range []string{"const ", "let ", "var ", "val ", "self.", "this.", "final ", "private ", "public ", "static ", "auto ", "char ", "String ", "string ", "return ", "if ", "func ", "def ", "type ", "fn ", "@", "self->", "this->", "local "} {
		if strings.HasPrefix(head, w) {
			return true
		}
	}
	return false
}

// inCall tells whether name=value is an argument of a call.
func inCall(t string, start, next int) bool {
	before := start - 1
	for before >= 0 && t[before] == ' ' {
		before--
	}
	if c := at(t, next); c == ')' || c == ',' && at(t, next+1) != 0 && at(t, before) != 0 {
		return at(t, before) == '(' || at(t, before) == ',' || at(t, before) == '{' || c == ')' || at(t, next+1) == ' '
	}
	return at(t, before) == '('
}

// setter tells whether a call or a pair of arguments gives something a value:
// get("token", "x") asks for one.
func (s *scan) setter(sl slot) bool {
	head := s.text[sl.start:sl.end]
	for _, w := range []string{"get", "find", "read", "load", "fetch", "lookup", "is", "has", "parse", "check", "assert", "expect", "new", "test", "describe"} {
		if hasPrefixFold(head, w) && len(head) > len(w) && (isUpper(head[len(w)]) || head[len(w)] == '_') {
			return false
		}
	}
	return true
}

// flagValue judges what follows --password on a command line.
func flagValue(text string, k shape, kd kind) bool {
	if text[0] == '-' || text[0] == '|' || text[0] == '>' || text[0] == '\\' || isTechnical(text) || isPath(text) || isCode(text) {
		return false
	}
	if kd == kindPassword {
		return !isLabel(text) && (!k.words() || len(text) >= 4)
	}
	return solid(text, k, kd) || len(text) >= 6 && k.digit > 0 && k.letters() > 0
}

// lineIndent is how many blanks the line of i begins with.
func lineIndent(t string, i int) int {
	start := lineStart(t, i, maxName)
	return skipBlank(t, start) - start
}
