package redact

import "strings"

// userinfo replaces the password of scheme://user:password@host, and a token
// that stands there alone.
func (s *scan) userinfo(h hit) {
	t := s.text
	if h.start == 0 || !isAlnum(t[h.start-1]) {
		return
	}
	colon, host := authority(t[h.end:min(len(t), h.end+512)])
	if host < 0 {
		return
	}
	if colon < 0 && strings.Contains(t[h.end+host:min(len(t), h.end+host+64)], ".sentry.io/") {
		return // the key of a DSN is public
	}
	if colon < 0 {
		s.userToken(h.end, h.end+host)
		return
	}
	text := t[h.end+colon+1 : h.end+host]
	// A slash in a password is possible, but host:port/path@version is likelier.
	if i := strings.IndexByte(text, '/'); i >= 0 && (is(text[:i], setDigit) || strings.Contains(t[h.end:h.end+colon], ".")) {
		return
	}
	if text == "" || isStandIn(text) && !isDefaultLogin(text) || isReference(text) || isVariableInURL(text) {
		return
	}
	s.add(h.end+colon+1, h.end+host, password, rankStructural)
}

// authority returns where in "user:password@host" the first colon and the last
// "@" stand, -1 for what is missing. A password may hold a slash, a user may
// not.
func authority(s string) (colon, host int) {
	colon, host = -1, -1
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '@' && i+1 < len(s) && !isSpace(s[i+1]):
			host = i
		case c == ':' && colon < 0 && host < 0:
			colon = i
		case c == '\\' && colon < 0 && host < 0 && i > 0 && (isAlnum(at(s, i+1)) || at(s, i+1) == '\\') && is(strings.TrimRight(s[:i], `\`), setAlnum):
			// a user of a Windows domain
		case isSpace(c) || isQuote(c) || c == '<' || c == '>' || c == '\\',
			c == '/' && (host >= 0 || colon < 0), c == ',' && host >= 0:
			return colon, host
		}
	}
	return colon, host
}

// isDefaultLogin tells words that are no stand-ins in a URL but passwords.
func isDefaultLogin(s string) bool {
	return s == "admin" || s == "guest" || s == "default" || s == "test" || s == "secret" || s == "user" || s == "vault"
}

// isVariableInURL tells what manuals and programs have for a password there.
func isVariableInURL(s string) bool {
	switch s {
	case "PASSWORD", "PASS", "pass", "pw", "...":
		return true
	}
	return strings.HasPrefix(s, "%s") || strings.HasPrefix(s, "%v") || strings.HasPrefix(s, "%(") || strings.HasPrefix(s, "{")
}

// userToken replaces https://TOKEN@host.
func (s *scan) userToken(start, end int) {
	text := s.text[start:end]
	k := measure(text)
	if end-start >= 20 && k.digit > 1 && k.letters() > 6 && is(text, setDotted) {
		s.add(start, end, password, rankStructural)
	}
}

// dsn replaces the password of user:password@tcp(host:port)/name.
func (s *scan) dsn(h hit) {
	start := h.start
	for start > 0 && h.start-start < 200 && !isSpace(s.text[start-1]) && !isQuote(s.text[start-1]) {
		start--
	}
	if i := strings.IndexByte(s.text[start:h.start], ':'); i >= 0 {
		from := start + i + 1
		if text := s.text[from:h.start]; !isStandIn(text) && !isVariableInURL(text) {
			s.add(from, h.start, password, rankStructural)
		}
	}
}

// oracle replaces the password of jdbc:oracle:thin:user/password@host.
func (s *scan) oracle(h hit) {
	end := run(s.text, h.end, setPrint, 200)
	line := s.text[h.end:end]
	slash, host := strings.IndexByte(line, '/'), strings.LastIndexByte(line, '@')
	if slash > 0 && host > slash && !isStandIn(line[slash+1:host]) {
		s.add(h.end+slash+1, h.end+host, password, rankStructural)
	}
}

// signature replaces the signature of a presigned address.
func (s *scan) signature(h hit) {
	t := s.text
	before := at(t, h.start-1)
	end := run(t, h.end, setPath, 2048)
	if i := strings.IndexByte(t[h.end:end], '&'); i >= 0 {
		end = h.end + i
	}
	text := t[h.end:end]
	if before != '?' && before != '&' && before != ';' && before != '-' || len(text) < 20 || measure(text).digit == 0 {
		return
	}
	kind := secret
	if before == '-' {
		kind = awsKey
	}
	s.add(h.end, h.end+len(strings.TrimRight(text, ".:?")), kind, rankStructural)
}
