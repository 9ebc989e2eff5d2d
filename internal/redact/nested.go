package redact

import "strings"

// tagged replaces the element behind one that holds the name, as the property
// lists of macOS have it: <key>Password</key><string>x</string>.
func (s *scan) tagged(sl slot) {
	t := s.text
	if !strings.HasPrefix(t[sl.end:], "</") {
		return
	}
	shut := strings.IndexByte(t[sl.end:min(len(t), sl.end+40)], '>')
	if shut < 0 {
		return
	}
	p := skipSpace(t, sl.end+shut+1, 64)
	open := strings.IndexByte(t[p:min(len(t), p+40)], '>')
	if at(t, p) != '<' || at(t, p+1) == '/' || open < 0 {
		return
	}
	sl.op = opElement
	v, ok := s.readElement(p + open + 1)
	if !ok || s.speaks(sl, v, t[v.start:v.end]) {
		return
	}
	if text := t[v.start:v.end]; plainValue(text, measure(text), sl.kind) && measure(text).space == 0 {
		s.add(v.start, v.end, sl.kind.placeholder(), sl.kind.rank())
	}
}

// inObject replaces the value of an object that stands under the name:
// {"db_password": {"value": "x"}}.
func (s *scan) inObject(sl slot, p int) {
	t := s.text
	stop := min(len(t), p+160)
	if i := strings.IndexByte(t[p:stop], '}'); i >= 0 {
		stop = p + i
	}
	for _, name := range []string{`"value"`, `"Value"`, `"S"`, `"stringValue"`, `"secretValue"`, `"plaintext"`, "value:", "value ="} {
		i := strings.Index(t[p:stop], name)
		if i < 0 {
			continue
		}
		q := skipBlank(t, p+i+len(name))
		if c := at(t, q); c == ':' || c == '=' {
			q = skipBlank(t, q+1)
		}
		start, end := s.literal(q)
		if start >= end {
			return
		}
		text := t[start:end]
		v := value{start: start, end: end, quote: t[q], next: end + 1}
		if !s.speaks(sl, v, text) && plainValue(text, measure(text), sl.kind) {
			s.add(start, end, sl.kind.placeholder(), sl.kind.rank())
		}
		return
	}
}

// tellingParents are names of objects in which a plain "key" is a secret.
var tellingParents = []string{"jwt", "auth", "secret", "encrypt", "crypto", "cipher", "signing", "token", "credential", "security", "session", "cookie", "hmac", "apikey", "openai", "stripe", "sendgrid", "twilio"}

// underParent tells whether a name stands in an object whose own name tells of
// secrets: {"Jwt": {"Key": "x"}}, or the same in YAML.
func (s *scan) underParent(start int) bool {
	t := s.text
	depth, low := 0, max(0, start-300)
	for i := start - 1; i >= low; i-- {
		switch t[i] {
		case '}':
			depth++
		case '{':
			if depth--; depth < 0 {
				return isTelling(nameBefore(t, i, low))
			}
		}
	}
	from := lineStart(t, start, maxName)
	indent := skipBlank(t, from) - from
	for n := 0; n < 8 && indent > 0 && from > low; n++ {
		end := from - 1
		from = lineStart(t, end, maxName)
		if p := skipBlank(t, from); p-from < indent {
			line := strings.TrimRight(t[p:max(p, end)], " \r")
			return strings.HasSuffix(line, ":") && isTelling(line)
		}
	}
	return false
}

// nameBefore is the name in front of the bracket at i.
func nameBefore(t string, i, low int) string {
	end := i
	for end > low && (isSpace(t[end-1]) || isQuote(t[end-1]) || t[end-1] == ':' || t[end-1] == '=') {
		end--
	}
	start := end
	for start > low && sets[t[start-1]]&setIdent != 0 {
		start--
	}
	return t[start:end]
}

func isTelling(name string) bool {
	for _, w := range tellingParents {
		if containsFold(name, w) {
			return true
		}
	}
	return false
}

// settingRow replaces the value of "SET value = 'x' WHERE name = 'api_secret'".
func (s *scan) settingRow(h hit) {
	t := s.text
	p := run(t, h.end, setWord, 32)
	p = skipBlank(t, p)
	if at(t, p) != '=' {
		return
	}
	start, end := s.literal(skipBlank(t, p+1))
	if start >= end {
		return
	}
	p = skipSpace(t, end+1, 32)
	if !hasPrefixFold(t[p:], "where ") {
		return
	}
	p = skipBlank(t, p+len("where "))
	p = skipBlank(t, run(t, p, setIdent, 40))
	if at(t, p) != '=' {
		return
	}
	from, to := s.literal(skipBlank(t, p+1))
	if from >= to {
		return
	}
	if kd := classify(t[from:to]); kd != noSecret && plainValue(t[start:end], measure(t[start:end]), kd) {
		s.accept(start, end, kd.placeholder())
	}
}

// multipart replaces the part of a form whose name is that of a secret.
func (s *scan) multipart(h hit) {
	t := s.text
	end := run(t, h.end, setIdent, maxName)
	kd := classify(t[h.end:end])
	if kd == noSecret || at(t, end) != '"' {
		return
	}
	i := lineEnd(t, end, 200)
	blank := 0
	for n := 0; n < 4 && blank == 0; n++ {
		i = nextLine(t, i)
		stop := lineEnd(t, i, 200)
		if stop == i {
			blank = nextLine(t, i)
		}
		i = stop
	}
	if blank == 0 {
		return
	}
	stop := lineEnd(t, blank, maxLine)
	if text := t[blank:stop]; text != "" && !strings.HasPrefix(text, "--") && !isSentence(text) {
		s.accept(blank, stop, kd.placeholder())
	}
}
