package redact

import "strings"

// addMore adds scanners for places that have neither an operator nor a prefix:
// arguments of calls, answers to questions, lines of devices.
func (v *vocabulary) addMore() {
	v.scan((*scan).webKey, `"kty"`)
	v.scan((*scan).signify, "signify secret key", "minisign encrypted secret key", "minisign secret key")
	v.scan((*scan).device, "password 0 ", "password 5 ", "password 7 ", "password 8 ", "password 9 ", "secret 0 ", "secret 5 ", "secret 8 ", "secret 9 ", "key 0 ", "key 7 ", "key-string 7 ", "snmp-server community ", "auth-password ", "insecure-password ", "ppp chap password ")
	v.scan((*scan).statsAuth, "stats auth ")
	v.scan((*scan).secureString, "convertto-securestring")
	v.scan((*scan).expect, "assword")
	v.scan((*scan).asPassword, "as the password", "as password", "as my password", "as your password", "as root password", "is the password", "is my password", "is your password", "is our password", "as the token", "is the token", "as the api key", "is the api key", "is the secret", "as the secret", "as passphrase", "is the passphrase")
	v.scan((*scan).slashPair, "login", "user", "creds", "credentials", "log in")
	v.scan((*scan).answer, "password", "pw?", "passphrase", "token")
	v.scan((*scan).variable, "variable \"")
	v.scan((*scan).insert, "insert into")
	for call, n := range map[string]int{
		"networkcredential(": 2, "usernamepasswordcredentials(": 2, "usernamepasswordcredential(": 2, "passwordauthentication(": 2, "basicauth(": 2, "basic_auth(": 2,
		"auth=(": 2, ".login(": 2, "mysqli_connect(": 3, "new mysqli(": 3, "new pdo(": 3, "getconnection(": 3, "pscredential(": 2, "basic_auth = (": 2, "plainauth(": 3,
		"secret_key_base(": 1, "digestauth(": 2, "with_credentials(": 2, "awscredentials(": 2, "basicawscredentials(": 2, "staticcredentials(": 2, "newstaticcredentialsprovider(": 2,
	} {
		v.scan(func(s *scan, h hit) { s.callArgument(h, n) }, call)
	}
}

// accept adds text[start:end] as a password if it is neither a stand-in nor a
// variable.
func (s *scan) accept(start, end int, placeholder string) {
	if start >= end {
		return
	}
	text := s.text[start:end]
	if isStandIn(text) || isReference(text) || isBracketed(text) || isCode(text) || text[0] == '$' && isVariable(text) {
		return
	}
	s.add(start, end, placeholder, rankStructural)
}

// literal returns the extent of the string literal at p, without its quotes.
func (s *scan) literal(p int) (start, end int) {
	if !isQuote(at(s.text, p)) {
		return 0, 0
	}
	for i := p + 1; i < len(s.text) && i < p+256; i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '\n':
			return 0, 0
		case s.text[p]:
			return p + 1, i
		}
	}
	return 0, 0
}

// webKey replaces the private members of a JSON Web Key.
func (s *scan) webKey(h hit) {
	lo, hi := max(0, h.start-300), min(len(s.text), h.end+2200)
	if i := strings.LastIndexByte(s.text[lo:h.start], '{'); i >= 0 {
		lo += i
	}
	if i := strings.IndexByte(s.text[h.end:hi], '}'); i >= 0 {
		hi = h.end + i
	}
	for _, name := range []string{`"d"`, `"k"`, `"p"`, `"q"`, `"dp"`, `"dq"`, `"qi"`} {
		i := strings.Index(s.text[lo:hi], name)
		if i < 0 {
			continue
		}
		p := skipSpace(s.text, lo+i+len(name), 8)
		if at(s.text, p) != ':' {
			continue
		}
		if start, end := s.longLiteral(skipSpace(s.text, p+1, 8)); end-start >= 20 {
			s.add(start, end, privateKey, rankPrivateKey)
		}
	}
}

// longLiteral is the base64 in the quotes at p.
func (s *scan) longLiteral(p int) (start, end int) {
	if at(s.text, p) != '"' {
		return 0, 0
	}
	return p + 1, run(s.text, p+1, setURLSafe|setBase64, 2048)
}

// signify replaces the line behind the comment of a signify key.
func (s *scan) signify(h hit) {
	i := skipSpace(s.text, lineEnd(s.text, h.end, 100), 4)
	if end := run(s.text, i, setBase64, 400); end-i >= 60 {
		s.add(i, end, privateKey, rankPrivateKey)
	}
}

// device replaces the word behind a setting of a router or a proxy.
func (s *scan) device(h hit) {
	t := s.text
	p := skipBlank(t, h.end)
	end := p
	for end < len(t) && end-p < 200 && !isSpace(t[end]) {
		end++
	}
	line := strings.TrimLeft(t[lineStart(t, h.start, 100):h.start], " \t")
	if measure(t[p:end]).words() && !jumbled(t[p:end], measure(t[p:end])) && !strings.HasPrefix(t[h.start:], "snmp") && line == "" || end-p < 4 {
		return
	}
	s.accept(p, end, password)
}

// statsAuth replaces the password of HAProxy's "stats auth user:password".
func (s *scan) statsAuth(h hit) {
	end := h.end
	for end < len(s.text) && end-h.end < 200 && !isSpace(s.text[end]) {
		end++
	}
	if i := strings.IndexByte(s.text[h.end:end], ':'); i > 0 {
		s.accept(h.end+i+1, end, password)
	}
}

// secureString replaces PowerShell's literal.
func (s *scan) secureString(h hit) {
	p := skipBlank(s.text, h.end)
	if hasPrefixFold(s.text[p:], "-string ") {
		p = skipBlank(s.text, p+len("-string "))
	}
	start, end := s.literal(p)
	s.accept(start, end, password)
}

// expect replaces what a script of expect sends when asked for a password.
func (s *scan) expect(h hit) {
	t := s.text
	near := t[h.end:min(len(t), h.end+80)]
	i := strings.Index(near, "send ")
	if i < 0 || strings.Count(near[:i], "\n") > 2 {
		return
	}
	if before := strings.TrimRight(near[:i], " \t"); before != "" && strings.IndexByte("\n;{}", before[len(before)-1]) < 0 {
		return
	}
	p := skipBlank(t, h.end+i+len("send "))
	if strings.HasPrefix(t[p:], "-- ") {
		p = skipBlank(t, p+3)
	}
	start, end := s.literal(p)
	for end-2 > start && t[end-2] == '\\' {
		end -= 2
	}
	s.accept(start, end, password)
}

// variable replaces the default of a Terraform variable whose name tells.
func (s *scan) variable(h hit) {
	t := s.text
	end := run(t, h.end, setIdent, maxName)
	kd := classify(t[h.end:end])
	if kd == noSecret {
		return
	}
	near := t[end:min(len(t), end+400)]
	if i := strings.Index(near, "\n}"); i >= 0 {
		near = near[:i]
	}
	i := strings.Index(near, "default")
	if i < 0 {
		return
	}
	p := skipBlank(t, end+i+len("default"))
	if at(t, p) != '=' {
		return
	}
	start, stop := s.literal(skipBlank(t, p+1))
	s.accept(start, stop, kd.placeholder())
}

// callArgument replaces the n-th argument of a call if it is a literal.
func (s *scan) callArgument(h hit, n int) {
	t := s.text
	p := h.end
	for ; n > 1; n-- {
		stop := min(len(t), p+200)
		for p < stop && t[p] != ',' && t[p] != '\n' && t[p] != ')' {
			if start, end := s.literal(p); end > 0 && start > 0 {
				p = end
			}
			p++
		}
		if at(t, p) != ',' {
			return
		}
		p = skipSpace(t, p+1, 64)
	}
	start, end := s.literal(skipWrappers(t, p))
	if start < end && !isLabel(t[start:end]) && !isURL(t[start:end]) {
		s.accept(start, end, password)
	}
}

// insert replaces the literals of "INSERT INTO t (…, password) VALUES (…, 'x')"
// that belong to columns whose names tell.
func (s *scan) insert(h hit) {
	t := s.text
	stop := min(len(t), h.end+400)
	open := strings.IndexByte(t[h.end:stop], '(')
	if open < 0 {
		return
	}
	shut := strings.IndexByte(t[h.end+open:stop], ')')
	if shut < 0 {
		return
	}
	columns := strings.Split(t[h.end+open+1:h.end+open+shut], ",")
	p := h.end + open + shut + 1
	for p < stop && t[p] != '(' {
		p++
	}
	for i := 0; i < len(columns) && p < len(t); i++ {
		p = skipSpace(t, p+1, 32)
		start, end := s.literal(p)
		if kd := classify(strings.Trim(columns[i], " \n\t\"'`")); kd != noSecret && start < end {
			s.accept(start, end, kd.placeholder())
		}
		if end > 0 {
			p = end + 1
		}
		for p < len(t) && p < stop+200 && t[p] != ',' && t[p] != ')' {
			p++
		}
	}
}
