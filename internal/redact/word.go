package redact

import "strings"

func set(words string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// isEscapes tells strings that are mostly escapes: bytes and symbols.
func isEscapes(s string) bool { return s[0] == '\\' && strings.Count(s, `\`)*6 >= len(s) }

// lowered appends s in lower case, without allocating for short values.
func lowered(buf []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if isUpper(c) {
			c |= 0x20
		}
		buf = append(buf, c)
	}
	return buf
}

// isBracketed tells whether a value is a variable or a hint in brackets.
func isBracketed(s string) bool {
	if s == "" {
		return true
	}
	last := s[len(s)-1]
	switch s[0] {
	case '<':
		return last == '>' || !strings.ContainsAny(s, "0123456789")
	case '{':
		return last == '}' || strings.HasPrefix(s, "{{")
	case '[':
		return last == ']' || !strings.ContainsAny(s, "0123456789")
	case '%':
		return last == '%' && len(s) > 1 || len(s) <= 3 || s[1] == '(' || strings.HasPrefix(s, "%{")
	case '$':
		return isVariable(s)
	case '(':
		return last == ')'
	case '#':
		return strings.HasPrefix(s, "#{")
	case '@':
		return last == '@' && len(s) > 2
	case '_':
		return strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__")
	}
	return strings.HasPrefix(s, "${") || strings.Contains(s, "${") && last == '}' || strings.HasPrefix(s, "&lt;")
}

func isVariable(s string) bool {
	if len(s) == 1 {
		return true
	}
	switch c := s[1]; {
	case c == '{' || c == '(':
		return true
	case isDigit(c):
		return len(s) == 2
	case isLetter(c) || c == '_':
		name := s[1:]
		i := run(name, 0, setWord, len(name))
		tail := name[i:]
		return tail == "" || tail[0] == ':' || tail[0] == '-' || tail[0] == '[' || tail[0] == '.' || tail[0] == '/'
	}
	return false
}

// references are what values begin with that are kept elsewhere.
var references = newPrefixSet(
	"os.environ", "os.getenv", "os.Getenv", "process.env", "import.meta", "env.", "env(", "ENV[", "ENV.", "Deno.env", "secrets.", "vars.", "var.", "local.", "data.", "module.", "random_password.", "vault:", "vault.", "op://", "!secret", "!vault", "!Ref", "!ref", "!Sub", "ENC[", "ENC(", "arn:aws:", "ref+", "secret://", "file:", "keyring:", "ssm:", "projects/", "sops:", "getenv", "config.", "settings.", "self.", "this.", "args.", "opts.", "options.", "request.", "req.", "params.", "props.", "event.", "ctx.", "user.", "input(", "prompt(", "getpass", "${", "base64:${", "$(", "%env(", "@Microsoft.KeyVault", "{{resolve:", "aws_secretsmanager", "akv:", "berglas:", "gcp:secretmanager", "azurekeyvault:",
)

// isReference tells whether a value points to a secret that is kept elsewhere.
func isReference(s string) bool {
	if p := references.of(s); p != "" {
		return p != "secrets." || measure(s).digit < 3
	}
	if measure(s).digit == 0 && (strings.Contains(s, "%s") || strings.Contains(s, "%v") || strings.Contains(s, "%d") || strings.Contains(s, "%(")) {
		return true
	}
	return strings.Contains(s, "=$") || strings.Contains(s, "{{") || strings.Contains(s, "${{") || strings.HasPrefix(s, "!!")
}

// isCode tells whether a value is an expression: a call, an index, a path of
// members.
func isCode(s string) bool {
	if s == "" {
		return false
	}
	if d := strings.TrimLeft(s, "0123456789"); d != "" && d != s && len(d) > 1 && strings.IndexByte("*+/-<>|&", d[0]) >= 0 && (d[1] == '<' || isMembers(strings.TrimRight(d[1:], "0123456789+-*/"))) {
		return true
	}
	if s[0] == '[' && (is(strings.TrimRight(strings.Trim(s, "[]"), "abcdefghijklmnopqrstuvwxyz.*"), setDigit) || strings.HasPrefix(s, "[]") || strings.Contains(s, "]")) {
		return true
	}
	i := 0
	if isLetter(s[0]) || s[0] == '_' || s[0] == '$' {
		for i < len(s) && (sets[s[i]]&setWord != 0 || s[i] == '.' || s[i] == '$' || s[i] == ':' || s[i] == '>' || s[i] == '-' && at(s, i+1) == '>' || s[i] == '?' && at(s, i+1) == '.') {
			i++
		}
	}
	if i > 0 && i < len(s) && (s[i] == '(' || s[i] == '[' || s[i] == '{') {
		return strings.ContainsAny(s[i:], ")]}") || i+1 == len(s) || isQuote(s[i+1]) || isMembers(s[:i])
	}
	if i > 1 && i < len(s) && s[i] == '!' && at(s, i+1) == '(' {
		return true
	}
	if i == len(s) && (strings.Contains(s, ".") || strings.Contains(s, "->") || strings.Contains(s, "::")) {
		return isMembers(s)
	}
	switch s[0] {
	case '@':
		return len(s) > 2 && strings.Contains(s, ".") && isMembers(s[1:])
	case ':':
		return isLetter(at(s, 1)) || isQuote(at(s, 1))
	case '*', '&':
		return isMembers(strings.TrimRight(s[1:], "{("))
	case '(':
		return true
	}
	return strings.HasPrefix(s, "=>") || strings.HasPrefix(s, "function(")
}

// isMembers tells whether s is names with dots between: args.password.
func isMembers(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		part = strings.TrimRight(part, "?")
		if i := strings.LastIndexAny(part, ">:"); i > 0 {
			if !memberName(strings.TrimRight(part[:i], "-:")) {
				return false
			}
			part = part[i+1:]
		}
		if !memberName(part) {
			return false
		}
	}
	return true
}

// memberName tells an identifier whose digits are at its end, as in tls13.
func memberName(s string) bool {
	if !isIdentifier(s) {
		return false
	}
	if measure(s).digit == 0 {
		return true
	}
	if switches(s) > 8 {
		return false
	}
	rest := strings.TrimRight(s, "0123456789")
	n := measure(rest).digit
	return len(s)-len(rest) <= 5 && n <= 1
}

// isName tells names of things that hold secrets, such as my-k8s-secret.
func isName(s string) bool {
	if len(s) > 48 || !isAlnum(at(s, 0)) {
		return false
	}
	named := false
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '-' || r == '_' || r == '.' || r == '/' }) {
		k := measure(part)
		if k.upper > 0 || k.other > 0 || k.digit > 2 || k.digit > 0 && k.lower > 6 {
			return false
		}
		switch part {
		case "secret", "secrets", "token", "key", "keys", "password", "credentials", "creds", "cred", "tls", "auth", "cert":
			named = len(part) < len(s)
		}
	}
	return named
}

func isIdentifier(s string) bool {
	return s != "" && !isDigit(s[0]) && is(s, setWord)
}

// isConstant tells names in capitals: they stand in environments.
func isConstant(name string) bool {
	k := measure(name)
	return k.upper > 0 && k.lower == 0
}

func isCamel(s string) bool {
	for i := 1; i < len(s); i++ {
		if isLower(s[i-1]) && isUpper(s[i]) {
			return true
		}
	}
	return false
}

// looksNamed tells an identifier that somebody named from one that is random:
// its digits end its words.
func looksNamed(s string) bool {
	if len(s) > 40 || !strings.Contains(s, "_") && !isCamel(s) && switches(s) > 1 || jumbled(s, measure(s)) {
		return false
	}
	digits := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			continue
		}
		digits++
		if next := at(s, i+1); isLower(next) && !isDigit(at(s, i-1)) && isLetter(at(s, i-1)) {
			return false
		}
	}
	if !strings.Contains(s, "_") && !isCamel(s) {
		return digits <= 1 && len(s) < 7
	}
	return digits <= 2 && switches(s) <= 8
}

// sameWords tells whether a value only repeats its name, as labels do.
func sameWords(value, name string) bool {
	if len(value) > maxName {
		return false
	}
	var a, b [maxName]byte
	v, n := squash(a[:], value), squash(b[:], name)
	if len(v) == 0 {
		return true
	}
	return string(v) == string(n) || len(n) > len(v) && strings.HasSuffix(string(n), string(v)) && measure(value).words() ||
		len(v) > len(n) && len(v) < len(n)+10 && measure(value).words() && len(n) >= 5 && strings.HasSuffix(string(v), string(n))
}

// isLabel tells whether words speak of a secret instead of being one.
func isLabel(s string) bool {
	if len(s) > 64 || !measure(s).words() {
		return false
	}
	for _, w := range []string{"password", "passwd", "passphrase", "passwort", "secret", "token", "apikey", "api-key", "api_key", "credential"} {
		if containsFold(s, w) {
			return true
		}
	}
	return false
}

// grammar are the words that sentences can't do without.
var grammar = set("a an the is are was be been must should can cannot may will would not no your my our their its of for to in on at by with from and or if when as that this it you we please least required field enter use only than must. has have had do does don't into each any all more must, new confirm forgot reset invalid incorrect missing too short long strong weak characters")

// isSentence tells whether a value is prose: two of its words at least are
// grammar, or it asks or commands.
func isSentence(s string) bool {
	if !strings.Contains(s, " ") {
		return false
	}
	n, words, long := 0, 0, false
	for w := range strings.FieldsSeq(s) {
		var buf [16]byte
		words++
		long = long || len(w) > 2
		if w = strings.Trim(w, ".,:;!?()"); len(w) <= len(buf) && grammar[string(lowered(buf[:0], w))] {
			n++
		}
		if words > 40 {
			return true
		}
	}
	if !long {
		return false
	}
	if strings.HasSuffix(s, ":") || strings.HasSuffix(s, "...") || strings.HasSuffix(s, "…") || strings.HasSuffix(s, ".") && words > 2 {
		return true
	}
	return n >= 2 || n == 1 && words <= 4 || isLabel(s)
}
