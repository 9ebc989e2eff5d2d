package redact

import "strings"

// value is where a value stands, without its quotes.
type value struct {
	start, end int
	quote      byte // 0 if it stands bare
	next       int  // behind the closing quote
	open       bool // the closing quote is missing
	last       bool // nothing follows on the line but punctuation
	indented   bool // it stands on the line below its name
}

// read reads the value at p. What it takes for one depends on the operator.
func (s *scan) read(sl *slot, p int) (value, bool) {
	t := s.text
	if at(t, p) == '|' || at(t, p) == '>' || p >= len(t) || t[p] == '\n' || t[p] == '\r' {
		if sl.op == opColon || sl.op == opAssign && p < len(t) && t[p] != '|' {
			return s.readBelow(p)
		}
		return value{}, false
	}
	if sl.op == opElement {
		return s.readElement(p)
	}
	p = skipWrappers(t, p)
	if p >= len(t) {
		return value{}, false
	}
	if n := quoteAt(t, p); n > 0 {
		return s.readQuoted(p, n)
	}
	if strings.HasPrefix(t[p:], "&quot;") {
		if n := strings.Index(t[p+6:min(len(t), p+maxValue)], "&quot;"); n >= 0 {
			return value{start: p + 6, end: p + 6 + n, quote: '"', next: p + 12 + n}, n > 0
		}
	}
	return s.readBare(*sl, p)
}

// skipWrappers skips what code puts round a literal: string prefixes, casts
// and constructors, emphasis.
func skipWrappers(t string, p int) int {
	if p < len(t) {
		for _, w := range wrappers[t[p]] {
			if strings.HasPrefix(t[p:], w) {
				if q := skipBlank(t, p+len(w)); isQuote(at(t, q)) {
					return q
				}
			}
		}
	}
	if q := p + len(leading(t[p:min(len(t), p+3)], "rbfuLRBFU@$")); q > p && isQuote(at(t, q)) {
		return q
	}
	if strings.HasPrefix(t[p:], "**") {
		return p + 2
	}
	if strings.HasPrefix(t[p:], `r#"`) {
		return p + 2
	}
	return p
}

var wrappers = newPrefixSet(
	"[]byte(", "string(", "String(", "new String(", "bytes(", "b(", "Some(", "SecretStr(", "Secret(", "SecretString(", "str(", "SecureString(", "String::from(", "Buffer.from(", "base64.b64decode(", "atob(", "&", "(", "[", "{", "Sensitive(", "ptr(", "aws.String(", "pulumi.String(", "toCharArray(",
)

// quoteAt returns how many bytes the opening quote at p has: backslashes of an
// escaped one included, three for a triple one. 0 means there is none.
func quoteAt(t string, p int) int {
	q := p
	for q < len(t) && t[q] == '\\' && q-p < 8 {
		q++
	}
	if !isQuote(at(t, q)) {
		return 0
	}
	if c := t[q]; q == p && at(t, p+1) == c && at(t, p+2) == c {
		return 3
	}
	return q - p + 1
}

// readQuoted reads a string whose opening quote has n bytes.
func (s *scan) readQuoted(p, n int) (value, bool) {
	t := s.text
	opening, q := t[p:p+n], t[p+n-1]
	v := value{start: p + n, quote: q}
	stop := min(len(t), p+n+maxValue)
	if s.nonText.start <= v.start && v.start < s.nonText.end && s.nonText.quote == opening {
		return value{}, false
	}
	for i := v.start; i < stop; i++ {
		switch {
		case t[i] == q && strings.HasPrefix(t[i:], opening) || n > 1 && opening[0] == '\\' && strings.HasPrefix(t[i:], opening):
			v.end, v.next = i, i+n
			return v, v.end > v.start
		case t[i] == '\\' && opening[0] != '\\':
			i++
		case t[i] == '\\' && strings.HasPrefix(t[i:], `\\`+opening[len(opening)-2:]):
			i += 2 + len(opening) - 1
		case t[i] == '\n' && n < 3 && q != '`':
			stop = i
		}
	}
	if n >= 3 && opening[0] != '\\' {
		s.nonText = quoteMemo{v.start, stop, opening}
		return value{}, false
	}
	v.end, v.next, v.open = stop, stop, true
	return v, v.end > v.start && v.end-v.start < 200
}

// quoteMemo remembers where a quote does not close.
type quoteMemo struct {
	start, end int
	quote      string
}

// readBare reads a value without quotes: to the next blank, or before what
// closes the thing it stands in.
func (s *scan) readBare(sl slot, p int) (value, bool) {
	t := s.text
	end := s.bareRun(p)
	end = p + cutBare(t[p:end], sl)
	if end == p {
		return value{}, false
	}
	v := value{start: p, end: end, next: end}
	rest := skipBlank(t, end)
	v.last = rest >= len(t) || t[rest] == '\n' || t[rest] == '\r' || t[rest] == '#' && rest > end
	return v, true
}

// bareRun returns the end of the visible bytes from p on.
func (s *scan) bareRun(p int) int {
	t := s.text
	if s.values.start <= p && p < s.values.end {
		return s.values.end
	}
	end, stop := p, min(len(t), p+maxValue)
	for end < stop && (sets[t[end]]&setPrint != 0 && t[end] != '"' && t[end] != '`' || t[end] >= 0x80) {
		end++
	}
	s.values = runMemo{p, end}
	return end
}

// cutBare returns how much of a run is the value: separators of lists, of
// queries and of connection strings end it, as does a bracket that was opened
// before it.
func cutBare(v string, sl slot) int {
	v = v[:min(len(v), 2048)]
	depth := 0
	for i := range len(v) {
		switch c := v[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i
			}
		case '&', ';', ',':
			if i+1 == len(v) || pairFollows(v[i+1:]) || c == ';' && sl.op == opAssign && sl.tight {
				return trimBare(v[:i], sl)
			}
		case '<':
			if i > 0 && (at(v, i+1) == '/' || hasPrefixFold(v[i:], "<br")) {
				return i
			}
		case '\'', '|':
			return trimBare(v[:i], sl)
		case '\\':
			if n := at(v, i+1); n == 'n' || n == 'r' || n == 't' || n == '"' || n == '\\' {
				return trimBare(v[:i], sl)
			}
		}
	}
	return trimBare(v, sl)
}

// pairFollows tells whether another "name=" begins.
func pairFollows(s string) bool {
	if hasPrefixFold(s, "amp;") {
		return true
	}
	i := run(s, 0, setIdent, 40)
	return i > 0 && (at(s, i) == '=' || at(s, i) == ':')
}

// trimBare is the length of v without the punctuation of a sentence.
func trimBare(v string, sl slot) int {
	v = strings.TrimRight(v, ",;:")
	if sl.op != opAssign || !sl.tight {
		v = strings.TrimRight(v, ".,;:*")
		if sl.op == opVerb || sl.op == opNext {
			v = strings.TrimRight(v, "?)!.,")
		}
	} else if strings.HasSuffix(v, ".") {
		v = v[:len(v)-1]
	}
	return len(v)
}

// readElement reads the text of an XML element, up to the next tag.
func (s *scan) readElement(p int) (value, bool) {
	t := s.text
	if strings.HasPrefix(t[p:], "<![CDATA[") {
		p += len("<![CDATA[")
	}
	p = skipSpace(t, p, 64)
	end := p
	for stop := min(len(t), p+512); end < stop && t[end] != '<' && t[end] != '\n' && t[end] != ']'; end++ {
	}
	if end == p || at(t, end) != '<' && at(t, end) != ']' || strings.HasPrefix(t[end:], "<!") {
		return value{}, false
	}
	if !strings.HasPrefix(t[end:], "</") && at(t, end) != ']' {
		return value{}, false
	}
	return value{start: p, end: p + len(strings.TrimRight(t[p:end], " \t")), quote: '<', next: end}, true
}

// readBelow reads a value that stands on the lines below its name: a block of
// YAML, or the one word of the next line.
func (s *scan) readBelow(p int) (value, bool) {
	t := s.text
	block := at(t, p) == '|' || at(t, p) == '>'
	for p < len(t) && strings.IndexByte("|>+-0123456789 \t", t[p]) >= 0 {
		p++
	}
	if p >= len(t) || t[p] != '\n' && t[p] != '\r' {
		return value{}, false
	}
	start := skipSpace(t, p, 80)
	end := lineEnd(t, start, maxLine)
	v := value{start: start, indented: true, last: true}
	if block {
		v.quote = '|'
	}
	v.end = start + len(strings.TrimRight(t[start:end], " \t"))
	v.next = v.end
	if n := quoteAt(t, start); n > 0 && start < len(t) {
		return s.readQuoted(start, n)
	}
	tokenOnly := !strings.ContainsAny(t[start:v.end], " \t")
	return v, v.end > start && (block || tokenOnly) && !strings.ContainsAny(t[start:v.end], ":=") || block && v.end > start
}
