package redact

import "strings"

// passArgument replaces openssl's "-passin pass:SECRET".
func (s *scan) passArgument(h hit) {
	t := s.text
	if prev := at(t, h.start-1); prev != ' ' && !isQuote(prev) {
		return
	}
	if from := max(0, h.start-10); !strings.Contains(t[from:h.start], "-pass") && !strings.Contains(t[from:h.start], "-kpass") {
		return
	}
	end := h.end
	for end < len(t) && !isSpace(t[end]) && !isQuote(t[end]) {
		end++
	}
	if text := t[h.end:end]; !isStandIn(text) && !isReference(text) && text != "" {
		s.add(h.end, end, password, rankStructural)
	}
}

// chpasswd replaces what is echoed into a program that reads a password.
func (s *scan) chpasswd(h hit) {
	t := s.text
	from := lineStart(t, h.start, 200)
	line := t[from:h.start]
	pipe := strings.LastIndexByte(line, '|')
	if here := strings.Index(t[h.end:min(len(t), h.end+40)], "<<<"); here >= 0 {
		p := skipBlank(t, h.end+here+3)
		s.echoed(p, lineEnd(t, p, 200))
		return
	}
	if pipe < 0 {
		return
	}
	for _, echo := range []string{"echo ", "printf "} {
		if i := strings.LastIndex(line[:pipe], echo); i >= 0 {
			p := skipBlank(t, from+i+len(echo))
			for strings.HasPrefix(t[p:], "-n ") || strings.HasPrefix(t[p:], "-e ") || strings.HasPrefix(t[p:], "'%s' ") || strings.HasPrefix(t[p:], "%s ") {
				p += strings.IndexByte(t[p:], ' ') + 1
			}
			s.echoed(p, from+pipe)
			return
		}
	}
}

func (s *scan) echoed(start, end int) {
	text := strings.TrimRight(s.text[start:max(start, end)], " \t")
	if text != "" && isQuote(text[0]) {
		start++
		text = strings.Trim(text, "'\"")
	}
	if i := strings.IndexByte(text, ':'); i > 0 && !strings.Contains(text[:i], " ") && i < 33 {
		start += i + 1
		text = text[i+1:]
	}
	text = strings.TrimSuffix(text, `\n`)
	if text != "" && !isStandIn(text) && !isBracketed(text) && !isReference(text) && !strings.Contains(text, " ") {
		s.add(start, start+len(text), password, rankStructural)
	}
}

// htpasswd replaces the last argument of "htpasswd -b file user SECRET".
func (s *scan) htpasswd(h hit) {
	t := s.text
	end := commandEnd(t, h.end)
	words := strings.Fields(t[h.end:end])
	if len(words) < 3 || words[0][0] != '-' || !strings.Contains(words[0], "b") {
		return
	}
	want := 4
	if strings.Contains(words[0], "n") {
		want = 3
	}
	if len(words) < want {
		return
	}
	s.lastWord(h.end, end, words[want-1])
}

func (s *scan) lastWord(from, to int, word string) {
	if i := strings.LastIndex(s.text[from:to], word); i >= 0 {
		trimmed := strings.Trim(word, "'\"")
		lead := strings.Index(word, trimmed)
		if !isStandIn(trimmed) && !isBracketed(trimmed) && !isReference(trimmed) && len(trimmed) > 2 {
			s.add(from+i+lead, from+i+lead+len(trimmed), password, rankStructural)
		}
	}
}

// minioAlias replaces the two keys of "mc alias set NAME URL KEY SECRET".
func (s *scan) minioAlias(h hit) {
	end := commandEnd(s.text, h.end)
	words := strings.Fields(s.text[h.end:end])
	if len(words) >= 4 && isURL(words[1]) {
		s.lastWord(h.end, end, words[2])
		s.lastWord(h.end, end, words[3])
	}
}

// setting replaces the value of a line "name SECRET" in files of servers.
func (s *scan) setting(h hit) {
	t := s.text
	if strings.Trim(t[lineStart(t, h.start, 40):h.start], " \t") != "" {
		return
	}
	p := skipBlank(t, h.end)
	if p == h.end {
		return
	}
	end := lineEnd(t, p, 200)
	word := strings.TrimRight(t[p:end], " \t")
	if t[h.start:h.end] == "wpa_passphrase" {
		i := strings.LastIndexByte(word, ' ')
		p, word = p+i+1, word[i+1:]
	}
	if strings.Contains(word, " ") || word == "" {
		return
	}
	if q := strings.Trim(word, "'\""); q != "" {
		p, word = p+strings.Index(word, q), q
	}
	if !isStandIn(word) && !isBracketed(word) {
		s.add(p, p+len(word), password, rankStructural)
	}
}

// sqlplus replaces the password of "sqlplus user/SECRET@db".
func (s *scan) sqlplus(h hit) {
	t := s.text
	end := commandEnd(t, h.end)
	for i := h.end; i < end; i++ {
		if t[i] != '/' || !isAlnum(at(t, i-1)) {
			continue
		}
		stop := i + 1
		for stop < end && !isSpace(t[stop]) && t[stop] != '@' && !isQuote(t[stop]) {
			stop++
		}
		if text := t[i+1 : stop]; len(text) > 2 && !isStandIn(text) && !isReference(text) && !isBracketed(text) && !strings.Contains(text, "/") {
			s.add(i+1, stop, password, rankStructural)
		}
		return
	}
}

// netUse replaces the password of Windows' "net use … /user:NAME SECRET".
func (s *scan) netUse(h hit) {
	t := s.text
	end := commandEnd(t, h.end)
	line := t[h.end:end]
	words := strings.Fields(line)
	for i, w := range words {
		switch {
		case hasPrefixFold(w, "/pass:"):
			s.lastWord(h.end, end, w[len("/pass:"):])
		case hasPrefixFold(w, "/user:") && equalFold(t[h.start:h.end], "net use"):
			for _, j := range []int{i + 1, i - 1} {
				if j > 0 && j < len(words) && words[j][0] != '/' && words[j][0] != '\\' && !strings.HasSuffix(words[j], ":") {
					s.lastWord(h.end, end, words[j])
					break
				}
			}
		}
	}
	if equalFold(t[h.start:h.end], "net user") && len(words) >= 3 && hasPrefixFold(words[2], "/add") {
		s.lastWord(h.end, end, words[1])
	}
}
