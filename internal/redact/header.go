package redact

import "strings"

// authorization replaces the credentials behind "Authorization", whatever the
// scheme, in headers, objects and sentences.
func (s *scan) authorization(h hit) {
	t := s.text
	p := h.end
	for n := 0; p < len(t) && n < 4 && (isQuote(t[p]) || t[p] == '\\' || t[p] == ']' || t[p] == ')'); n++ {
		p++
	}
	p = skipBlank(t, p)
	switch at(t, p) {
	case ':', '=', ',':
		if at(t, p+1) == '=' || at(t, p+1) == '>' {
			p++
		}
		p++
	default:
		return
	}
	p = skipBlank(t, p)
	if strings.HasPrefix(t[p:], "**") {
		p = skipBlank(t, p+2)
	}
	for n := 0; p < len(t) && n < 4 && (isQuote(t[p]) || t[p] == '\\' || n == 0 && (t[p] == 'f' || t[p] == 'b') && isQuote(at(t, p+1))); n++ {
		p++
	}
	s.credentials(p)
}

// schemes are the ways to authenticate that HTTP knows, lower case.
var schemes = []string{"bearer", "basic", "token", "digest", "apikey", "api-key", "key", "negotiate", "ntlm", "hawk", "splunk", "genie-key", "bot", "aws4-hmac-sha256", "oauth", "ssws", "sharedkey", "sso-key", "jwt", "privatetoken", "discogs", "zoho-oauthtoken", "github-bearer", "deepl-auth-key", "klaviyo-api-key", "bearertoken", "x-api-key", "dpop", "client-token", "snowflake", "apitoken", "flyv1", "mac", "passport1.4", "geniekey", "vapid", "wsse"}

// credentials replaces "Scheme value" at p, but leaves the scheme.
func (s *scan) credentials(p int) {
	t := s.text
	i := p
	for i < len(t) && i-p < 24 && (isAlnum(t[i]) || t[i] == '-' || t[i] == '.') {
		i++
	}
	schemed := false
	if i < len(t) && (t[i] == ' ' || t[i] == '\t') {
		for _, scheme := range schemes {
			if equalFold(t[p:i], scheme) {
				schemed = true
			}
		}
	}
	if !schemed {
		text := s.headerValue(p)
		k := measure(text)
		if len(text) >= 8 && k.digit > 0 && !isCode(text) && !isURL(text) && !isReference(text) && !isBracketed(text) {
			s.add(p, p+len(text), bearerToken, rankStructural)
		}
		return
	}
	v := skipBlank(t, i)
	if equalFold(t[p:i], "aws4-hmac-sha256") || equalFold(t[p:i], "digest") || equalFold(t[p:i], "hawk") || equalFold(t[p:i], "mac") || equalFold(t[p:i], "wsse") || equalFold(t[p:i], "oauth") {
		if end := lineEnd(t, v, 2048); strings.Contains(t[v:end], "=") {
			s.parameters(v, end)
			return
		}
	}
	text := s.headerValue(v)
	if j := strings.Index(text, "token="); j >= 0 && j < 8 {
		v += j + len("token=")
		text = strings.Trim(text[j+len("token="):], `"`)
		if at(t, v) == '"' {
			v++
			text = t[v:run(t, v, setPath, 512)]
		}
	}
	if text == "" || isBracketed(text) || text[0] == '<' && len(text) < 24 && measure(text).digit <= 4 || isStandIn(text) && !isTruncated(text) || isReference(text) || isCode(text) && measure(text).digit < 3 && !strings.HasPrefix(text, "eyJ") {
		return
	}
	s.add(v, v+len(text), bearerToken, rankStructural)
}

func isTruncated(s string) bool {
	return measure(s).letters() > 8 && !isLabel(s) && !strings.Contains(s, "xxx")
}

// headerValue returns the run of a header's value at p.
func (s *scan) headerValue(p int) string {
	end := p
	for stop := min(len(s.text), p+maxValue); end < stop; end++ {
		if c := s.text[end]; sets[c]&setPrint == 0 || isQuote(c) || c == '\\' || c == '<' && end > p || c == ',' || c == ';' || c == ')' && end > p && s.text[p] != '$' {
			break
		}
	}
	text := s.text[p:end]
	if strings.HasSuffix(text, "...") {
		return text
	}
	return strings.TrimSuffix(text, ".")
}

// parameters replaces the values of a list that prove something.
func (s *scan) parameters(from, to int) {
	t := s.text
	for _, name := range []string{"Signature=", "Credential=", "response=\"", "cnonce=\"", "nonce=\"", "PasswordDigest=\"", "Nonce=\"", "mac=\"", "id=\"", "oauth_token=\"", "oauth_signature=\"", "oauth_consumer_key=\"", "oauth_nonce=\""} {
		if i := strings.Index(t[from:to], name); i >= 0 {
			start := from + i + len(name)
			end := run(t, start, setPath, to-start)
			if name == "Credential=" {
				if j := strings.IndexByte(t[start:end], '/'); j >= 0 {
					end = start + j
				}
			}
			if end-start >= 8 {
				s.add(start, end, bearerToken, rankStructural)
			}
		}
	}
}

// scheme replaces "Bearer value" without a header's name. The value must look
// random: "Bearer of bad news" is prose.
func (s *scan) scheme(h hit) {
	t := s.text
	if isAlnum(at(t, h.start-1)) {
		return
	}
	v := skipBlank(t, h.end)
	if v == h.end && !strings.HasPrefix(t[v:], "%20") && !strings.HasPrefix(t[v:], "+") {
		return
	}
	if strings.HasPrefix(t[v:], "%20") {
		v += 3
	}
	if at(t, v) == ':' || at(t, v) == '=' {
		v = skipBlank(t, v+1)
	}
	basic := t[h.start]|0x20 == 'b' && t[h.start+1]|0x20 == 'a'
	if t[h.start]|0x20 == 'd' {
		return
	}
	text := s.headerValue(v)
	k := measure(text)
	if isStandIn(text) || isReference(text) || isBracketed(text) || isTechnical(text) || isPath(text) || isURL(text) || isCode(text) && k.digit < 3 {
		return
	}
	if basic {
		if len(text) < 12 || !is(text, setBase64) || k.upper == 0 || !decodesToPair(text) {
			return
		}
	} else if len(text) < 8 || k.letters() == 0 || k.digit == 0 && !(len(text) >= 20 && switches(text) > 5) || isIdentifier(text) && looksNamed(text) {
		return
	}
	s.add(v, v+len(text), bearerToken, rankStructural)
}

// cookie replaces the values of a Cookie or Set-Cookie header, except those of
// attributes and of plain settings.
func (s *scan) cookie(h hit) {
	t := s.text
	p := h.end
	if isQuote(at(t, p)) {
		p++
	}
	p = skipBlank(t, p)
	if at(t, p) != ':' && at(t, p) != '=' && !(at(t, p) == ',' && isQuote(at(t, h.end))) {
		if at(t, h.end) != ' ' || !isFlag(t, h.start) {
			return
		}
		p--
	}
	p = skipBlank(t, p+1)
	if isQuote(at(t, p)) {
		p++
	}
	s.cookies(p)
}

func (s *scan) cookies(p int) {
	t := s.text
	if p < s.cookieEnd {
		return
	}
	end := p
	for stop := min(len(t), p+4096); end < stop && t[end] != '\n' && t[end] != '\r' && t[end] != '"' && t[end] != '\'' && t[end] != '\\'; end++ {
	}
	s.cookieEnd = end
	for p < end {
		p = skipBlank(t, p)
		name := run(t, p, setDotted|setIdent, 128)
		if i := strings.IndexByte(t[p:name], '='); i >= 0 {
			name = p + i
		}
		if name == p || at(t, name) != '=' {
			return
		}
		stop := name + 1
		for stop < end && t[stop] != ';' && t[stop] != ' ' && t[stop] != ',' {
			stop++
		}
		s.cookieValue(t[p:name], name+1, stop)
		p = stop
		for p < end && (t[p] == ';' || t[p] == ' ' || t[p] == ',') {
			p++
		}
	}
}

// cookieValue replaces a cookie's value if it can be a session.
func (s *scan) cookieValue(name string, start, end int) {
	text := s.text[start:max(start, end)]
	for _, plain := range []string{"expires", "path", "domain", "max-age", "samesite", "theme", "lang", "locale", "consent", "_ga", "tz", "timezone", "currency"} {
		if equalFold(name, plain) {
			return
		}
	}
	if strings.HasPrefix(name, "__utm") || strings.HasPrefix(name, "_g") || strings.HasPrefix(name, "_fb") {
		return
	}
	if len(text) < 6 || isBracketed(text) || isStandIn(text) {
		return
	}
	k := measure(text)
	named := containsFold(name, "sess") || containsFold(name, "sid") || containsFold(name, "token") || containsFold(name, "auth") || containsFold(name, "jwt") || containsFold(name, "remember") || containsFold(name, "csrf") || containsFold(name, "login")
	if named && (k.digit > 0 || len(text) >= 16) || len(text) >= 16 && k.digit > 0 && k.letters() > 0 {
		s.add(start, end, secret, rankKeyed)
	}
}
