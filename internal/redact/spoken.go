package redact

import "strings"

// asPassword looks back from "X is the password" and "use X as the password".
func (s *scan) asPassword(h hit) {
	t := s.text
	if at(t, h.start-1) != ' ' || isAlnum(at(t, h.end)) {
		return
	}
	end := h.start - 1
	for end > 0 && (isQuote(t[end-1]) || t[end-1] == '*') {
		end--
	}
	start := end
	for start > 0 && end-start < 200 && !isSpace(t[start-1]) && !isQuote(t[start-1]) {
		start--
	}
	for start < end && (t[start] == '*' || t[start] == '(') {
		start++
	}
	text := t[start:end]
	k := measure(text)
	quoted := end < h.start-1
	if k.words() && (!jumbled(text, k) && !(quoted && len(text) >= 6)) || k.letters() == 0 && len(text) < 4 || isTechnical(text) || isPath(text) || isURL(text) || isLabel(text) || isContraction(text) || len(text) < 5 || text[0] == '<' || k.digit == 0 && !quoted && k.other == 0 && !jumbled(text, k) {
		return
	}
	if isIdentifier(text) && isCamel(text) && memberName(text) {
		return
	}
	s.accept(start, end, spokenKind(t[h.start:h.end]))
}

// spokenKind is the placeholder for what a phrase speaks of.
func spokenKind(phrase string) string {
	switch {
	case containsFold(phrase, "token"):
		return bearerToken
	case containsFold(phrase, "key"):
		return apiKey
	case containsFold(phrase, "secret"):
		return secret
	}
	return password
}

// slashPair replaces the password of "login: bob / secret".
func (s *scan) slashPair(h hit) {
	t := s.text
	end := lineEnd(t, h.end, 100)
	line := t[h.end:end]
	i := strings.Index(line, " / ")
	if i < 0 {
		if i = strings.IndexByte(line, '/'); i < 0 || strings.Count(line[i:], "/") > 1 || at(line, i-1) == ' ' {
			return
		}
	}
	head := line[:i]
	colon := strings.LastIndexAny(head, ":=")
	if colon < 0 && !strings.HasPrefix(head, " as ") && !strings.HasPrefix(head, " with ") && !strings.HasPrefix(head, " are ") || len(strings.Fields(head[colon+1:])) > 2 || isURL(line) {
		return
	}
	p := h.end + i + len(leading(line[i:], " /"))
	stop := p
	for stop < end && !isSpace(t[stop]) && !isQuote(t[stop]) && t[stop] != ',' && t[stop] != ')' {
		stop++
	}
	text := strings.TrimRight(t[p:stop], ".;")
	if k := measure(text); k.words() && jumbled(text, k) || solid(text, k, kindPassword) && k.digit > 0 {
		s.accept(p, p+len(text), password)
	}
}

// answer replaces the line that answers "what is the password?".
func (s *scan) answer(h hit) {
	t := s.text
	end := lineEnd(t, h.start, 120)
	if q := strings.TrimRight(t[h.start:end], " \t*_\"'"); !strings.HasSuffix(q, "?") || end >= len(t) {
		return
	}
	p := skipSpace(t, end, 8)
	stop := lineEnd(t, p, 200)
	line := strings.TrimRight(t[p:stop], " \t.!")
	if i := strings.Index(line, ": "); i > 0 && !strings.Contains(line[:i], " ") {
		p += i + 2
		line = line[i+2:]
	}
	for _, w := range []string{"its ", "it's ", "it is ", "is ", "that's ", "> ", "try ", "use "} {
		if hasPrefixFold(line, w) {
			p += len(w)
			line = line[len(w):]
		}
	}
	if text := strings.Trim(line, "`\"'*"); text != "" {
		p += strings.Index(line, text)
		k := measure(text)
		if jumbled(text, k) || solid(text, k, kindPassword) && k.digit > 0 && !isLabel(text) {
			s.accept(p, p+len(text), password)
		}
	}
}
