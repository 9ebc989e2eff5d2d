package redact

import "strings"

// verb returns where the value begins if a sentence such as "the password for
// the database is X" goes on at q, 0 if it does not.
func verb(t string, q int) int {
	line := t[q:lineEnd(t, q, 120)]
	at, before := 0, ""
	for words := 0; words < 9; words++ {
		at += len(line[at:]) - len(strings.TrimLeft(line[at:], " \t"))
		end := at
		for end < len(line) && line[end] != ' ' && line[end] != '\t' {
			end++
		}
		w := line[at:end]
		if w == "" {
			return 0
		}
		if verbs[strings.ToLower(strings.TrimRight(w, ":"))] || w == "=" || w == "->" || w == ":" || w == "to:" || w == "=>" {
			return q + afterVerbs(line, end)
		}
		if strings.HasSuffix(w, ":") && len(w) > 1 && words < 6 && words > 0 {
			return q + len(line[:end]) + len(leading(line[end:], " \t"))
		}
		if words == 0 && !openers[strings.ToLower(w)] {
			return 0
		}
		if before != "from" && (strings.ContainsAny(w, ";!?(){}\"'`=") || strings.HasSuffix(w, ".")) {
			return 0
		}
		at, before = end, w
	}
	return 0
}

// afterVerbs skips what may stand between the verb and the value.
func afterVerbs(line string, at int) int {
	for {
		at += len(leading(line[at:], " \t:"))
		end := at
		for end < len(line) && isLetter(line[end]) {
			end++
		}
		if !fillers[strings.ToLower(line[at:end])] || end == at || at >= len(line) || end < len(line) && line[end] != ' ' && line[end] != ':' {
			return at
		}
		at = end
	}
}

var (
	verbs   = set("is was are to = be set equals becomes reads lautet heißt vaut è é → ist est es")
	openers = set("will for of on to at in is was: i you we that which currently now field here below should must has changed used the by from")
	fillers = set("now currently still set to just simply currently: be this the value following")
)

// notSecrets are what a password "is" in a manual or a report, besides being
// itself. Words that end like participles and adjectives need no mention.
var notSecrets = set("in at on of by an as if so up down out for with from the a and or but not also too very only yet already never always often usually probably likely still now then here there this that these those what how why when where who it its being both either neither any all none " +
	"wrong incorrect invalid correct valid ok okay fine good bad weak strong safe unsafe secure insecure right short long empty blank null nil missing gone lost visible present absent optional mandatory different identical equal unique new old same private public secret secrets safe " +
	"set unset kept sent hidden shown known unknown broken stolen written read held given taken needed bound stale fresh live dead ready due plain plaintext cleartext text base64 bcrypt random opaque simple complex easy hard simplicity consistency patience practice time key part one two something anything everything nothing someone yours mine ours theirs his hers up-to-date case-sensitive out-of-date well-known " +
	"important critical essential crucial necessary available unavailable accessible local global internal external sensitive confidential cryptographic temporary permanent default dynamic static active inactive false true just more less most least about above below after before under over between within without through during until because while than less next last first second enough such sort kind type string number issue problem question answer reason value")

// afterVerb judges "the password is X".
func (s *scan) afterVerb(sl slot, v value, text string, k shape) bool {
	if isCode(text) || isTechnical(text) || isPath(text) || isURL(text) {
		return false
	}
	if v.quote != 0 {
		return !v.open && len(text) >= 3 && !isSentence(text) && !isLabel(text) && (sl.kind == kindPassword || sl.kind.weak() || !k.words() && len(text) >= 6)
	}
	if k.words() {
		return s.wordAfterVerb(sl, v, text, k)
	}
	if sl.kind == kindPassword || sl.kind.weak() && len(text) >= 5 {
		return len(text) >= 4 && (k.digit == 0 || k.letters()+k.other > 0 || len(text) >= 4 && v.last) && k.letters()+k.digit >= 3 && !isContraction(text)
	}
	return len(text) >= 6 && k.digit > 0 && k.letters() > 0
}

// isContraction tells words such as "don't" and "and/or".
func isContraction(s string) bool {
	k := measure(s)
	return k.digit == 0 && k.other == 1 && strings.ContainsAny(s, "'/,)(:;!?") || k.digit == 0 && len(strings.Trim(s, "()*_,;:!?'\"./<>")) == k.letters() && k.other > 0
}

// wordAfterVerb judges a value of letters only: it must end its clause and not
// be a word that passwords are described with.
func (s *scan) wordAfterVerb(sl slot, v value, text string, k shape) bool {
	if sl.kind != kindPassword || len(text) < 4 || k.wide > 0 {
		return false
	}
	if strings.Count(text, "-") >= 2 {
		return !hasGrammar(text, "-")
	}
	if k.joint > 0 || k.upper > 0 && !isCamel(text) {
		return k.upper > 1 && k.lower > 1 && switches(text) >= 5
	}
	if isCamel(text) {
		return switches(text) >= 5
	}
	if c := at(s.text, v.next); !v.last && c != '.' && c != ',' {
		return false
	}
	if notSecrets[text] || !hasPrefixFold(s.text[sl.end:min(len(s.text), sl.end+4)], " is") {
		return false
	}
	for _, end := range []string{"ed", "ing", "able", "ible", "ly", "ent", "ant", "al", "ful", "less", "ous", "ive", "ic", "ary", "ory", "en", "wn", "ung", "own", "ity", "tion", "ment", "ness", "or", "ers", "er"} {
		if strings.HasSuffix(text, end) {
			return false
		}
	}
	return len(text) >= 6
}

func hasGrammar(s, sep string) bool {
	for w := range strings.SplitSeq(s, sep) {
		if grammar[w] {
			return true
		}
	}
	return false
}

// adjacent judges "password X" with nothing between: X must look random, or be
// quoted, or stand where commands and netrc files have it.
func (s *scan) adjacent(sl slot, v value, text string, k shape) bool {
	if isTechnical(text) || isPath(text) || isURL(text) || isCode(text) || k.wide > 0 && v.quote == 0 {
		return false
	}
	name := s.text[sl.start:sl.end]
	if v.quote != 0 {
		if v.open || len(text) < 4 || isSentence(text) || isLabel(text) {
			return false
		}
		return sl.kind == kindPassword && (k.digit > 0 || k.other > 0 || k.space > 0 && k.upper == 0 || isConstant(name)) || k.digit > 0 && len(text) >= 8 && k.space == 0
	}
	if s.credentialLine(sl.start) {
		return len(text) >= 3
	}
	if isConstant(name) || strings.Contains(name, "_") {
		return solid(text, k, sl.kind) && k.digit > 0
	}
	if k.digit == 0 || k.letters() == 0 || len(text) < 6 {
		return k.other > 0 && k.digit > 0 && len(text) >= 6 || k.other > 0 && k.letters() > 5 && switches(text) > 3 && sl.kind == kindPassword && !strings.ContainsAny(text, "/()<>{}[],:;'\"=|&")
	}
	if (equalFold(name, "pw") || equalFold(name, "pass")) && looksChosen(text) && (k.other > 0 || equalFold(name, "pw") && switches(text) > 2) {
		return !strings.ContainsAny(text, "()/,{}[]<>=;")
	}
	if isIdentifier(text) && looksNamed(text) {
		return false
	}
	if sl.kind == kindPassword {
		return !strings.ContainsAny(text, "()/,{}[]<>=;")
	}
	return len(text) >= 12 && k.digit >= 2 && !strings.ContainsAny(text, "()/,{}[]<>=;:") || len(text) >= 16 && k.digit >= 3
}

// credentialLine tells whether a name stands in a netrc file, in a Dockerfile's
// ENV or in a similar setting.
func (s *scan) credentialLine(i int) bool {
	from := lineStart(s.text, i, 160)
	head := s.text[from:i]
	trimmed := strings.TrimLeft(head, " \t")
	if strings.HasPrefix(trimmed, "ENV ") || strings.HasPrefix(trimmed, "requirepass") || strings.HasPrefix(trimmed, "setx ") {
		return true
	}
	if j := strings.LastIndex(head, "login "); j >= 0 && len(strings.Fields(head[j:])) == 2 {
		return strings.HasPrefix(trimmed, "machine ") || strings.HasPrefix(trimmed, "default ") || trimmed == head[j:]
	}
	if trimmed == "" && equalFold(s.text[i:min(len(s.text), i+8)], "password") && from > 1 {
		above := s.text[lineStart(s.text, from-1, 160) : from-1]
		above = strings.TrimLeft(above, " \t")
		return strings.HasPrefix(above, "login ") || strings.HasPrefix(above, "machine ") || strings.HasPrefix(above, "account ")
	}
	return false
}
