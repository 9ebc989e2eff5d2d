package redact

// isRandom tells a value that nobody typed: 16 bytes or more of the letters of
// tokens, digits among them, changing kind all the time. Words, versions, names
// with numbers, dates and UUIDs are none; hex must be as long as a key is.
func isRandom(s string) bool {
	if len(s) < 16 || len(s) > 512 || !is(s, setBase64|setDotted|setTilde) || isTechnical(s) || isPath(s) || isUUID(s) || isFiller(s) {
		return false
	}
	k := measure(s)
	if k.digit+k.other < 2 && len(s) >= 24 && jumbled(s, k) {
		return !isMembers(s) || switches(s)*3 >= len(s)
	}
	if k.digit < 2 || k.letters() < 4 || k.joint*4 > len(s) {
		return false
	}
	if is(s, setHex) {
		return len(s) >= 32 && (k.lower == 0 || k.upper == 0)
	}
	if digitGroups(s) < 2 && !jumbled(s, k) || isMembers(s) || looksNamed(s) || isName(s) || isHint(s) {
		return false
	}
	if k.lower == 0 || k.upper == 0 {
		return switches(s)*5 >= len(s) && k.digit >= 4
	}
	return switches(s)*4 >= len(s)
}

// looksChosen tells a word that a person may have chosen as a password: letters
// with digits or signs among them, and neither code nor a name from a manual.
func looksChosen(s string) bool {
	k := measure(s)
	if len(s) < 5 || len(s) > 64 || k.space > 0 || k.wide > 0 || k.letters() == 0 || k.digit+k.other == 0 {
		return false
	}
	if isTechnical(s) || isPath(s) || isURL(s) || isCode(s) || isStandIn(s) || isReference(s) || isContraction(s) {
		return false
	}
	return k.digit > 0 && k.letters() > 1 || k.other > 0 && k.letters() > 3 && !isAlnum(s[len(s)-1]) && k.upper > 0 && k.lower > 0
}

// digitGroups counts the numbers in s. A name has one, as in Ed25519PrivateKey.
func digitGroups(s string) int {
	n := 0
	for i := range len(s) {
		if isDigit(s[i]) && !isDigit(at(s, i-1)) {
			n++
		}
	}
	return n
}
