package redact

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// minEncoded is the length from which a run is decoded: a short key takes as
// much in base64.
const minEncoded = 24

// encoded decodes runs of base64 and hex once and looks for secrets in what
// comes out. If there is one, the run is a secret.
func (s *scan) encoded() {
	t := s.text
	for i := minEncoded - 1; i < len(t); {
		if sets[t[i]]&(setBase64|setURLSafe) == 0 {
			i += minEncoded
			continue
		}
		start := i
		for start > 0 && sets[t[start-1]]&(setBase64|setURLSafe) != 0 && i-start < minEncoded {
			start--
		}
		end := run(t, i, setBase64|setURLSafe, maxBlock)
		if end-start >= minEncoded {
			s.dotted(start+strings.LastIndexByte(t[start:end], '=')+1, end)
			s.decode(start, end)
			end = s.decodeLines(start, end)
		}
		i = end + minEncoded
	}
}

func (s *scan) decode(start, end int) {
	run := s.text[start:end]
	for len(run) > 0 && (run[0] == '=' || run[0] == '/' || run[0] == '-' || run[0] == '+') {
		run, start = run[1:], start+1
	}
	if i := strings.IndexByte(run, '='); i > 0 && strings.Trim(run[i:], "=") != "" {
		run, start = run[i+1:], start+i+1 // name=value
	}
	if len(run) < minEncoded || !mixedRun(run) {
		return
	}
	plain := decoded(run)
	if plain == nil {
		return
	}
	if best, ok := s.within(plain); ok {
		s.add(start, start+len(run), best.placeholder, best.rank)
	}
}

// within returns the secret of the highest rank that decoded text holds.
func (s *scan) within(plain []byte) (best span, ok bool) {
	sub := s.known.newScan(string(plain))
	defer sub.free()
	sub.derived = true
	sub.hits()
	best.rank = -1
	for _, sp := range sub.spans {
		if sp.rank > best.rank {
			best, ok = sp, true
		}
	}
	return best, ok
}

// leastWrapped is how long the lines are that a tool breaks base64 into.
const leastWrapped = 60

// decodeLines decodes base64 that goes on in the lines below, and returns where
// it ends: end if it does not go on.
func (s *scan) decodeLines(start, end int) int {
	if end-start < leastWrapped || strings.ContainsAny(s.text[start:end], "-_") {
		return end
	}
	last := s.wrappedLines(start, end)
	if last == end {
		return end
	}
	var b strings.Builder
	for i := start; i < last; i++ {
		if c := s.text[i]; sets[c]&setBase64 != 0 {
			b.WriteByte(c)
		}
	}
	if plain := decoded(b.String()); plain != nil {
		if best, ok := s.within(plain); ok {
			s.add(start, last, best.placeholder, best.rank)
		}
	}
	return last
}

// mixedRun tells whether a run can be encoded text: not a word, not a path.
func mixedRun(s string) bool {
	k := measure(s[:min(len(s), 64)])
	return k.digit > 0 && k.letters() > 0 || k.upper > 2 && k.lower > 2
}

// decoded returns the text that a run of hex or base64 stands for, nil if it is
// no text.
func decoded(s string) []byte {
	if len(s)%2 == 0 && is(s, setHex) {
		if b, err := hex.DecodeString(s); err == nil && isText(b) {
			return b
		}
		return nil
	}
	if s = strings.TrimRight(s, "="); len(s) < 16 {
		return nil
	}
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	// The first bytes tell nearly always.
	var head [12]byte
	if n, err := enc.Decode(head[:], []byte(s[:16])); err != nil || !isText(head[:n]) {
		return nil
	}
	b, err := enc.DecodeString(s)
	if err != nil || !isText(b) {
		return nil
	}
	return b
}

// decodesToPair tells whether base64 holds "user:password".
func decodesToPair(s string) bool {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return err == nil && isText(b) && strings.Contains(string(b), ":")
}

func isText(b []byte) bool {
	if !utf8.Valid(b) && len(b) > 12 {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f || c >= 0x80 && len(b) <= 12 {
			return false
		}
	}
	return true
}

// escaped looks at the text with its escapes undone: %70, \u0070, \x70 and
// &#112; all write a p.
func (s *scan) escaped() {
	t := s.text
	if strings.IndexByte(t, '%') < 0 && strings.IndexByte(t, '\\') < 0 && strings.IndexByte(t, '&') < 0 {
		return
	}
	var v *view
	var places []int
	plain := 0
	for i := 0; i < len(t); {
		j := strings.IndexAny(t[i:], "%\\&")
		if j < 0 {
			break
		}
		i += j
		c, n := unescape(t[i:])
		if n == 0 {
			i++
			continue
		}
		if v == nil {
			v = &view{}
		}
		v.copy(t, plain, i)
		v.put([]byte{c}, i, i+n)
		places = append(places, i)
		i += n
		plain = i
	}
	if v == nil {
		return
	}
	v.copy(t, plain, len(t))
	s.look(v, func(start, end int) bool { return between(places, start-40, end) })
}

// unescape returns the ASCII character that an escape at the start of s stands
// for and the length of the escape, 0 if there is none.
func unescape(s string) (byte, int) {
	switch {
	case s[0] == '%' && len(s) >= 3:
		return hexByte(s[1:3], 3)
	case strings.HasPrefix(s, `\u{`) && len(s) >= 6:
		if s[5] == '}' {
			return hexByte(s[3:5], 6)
		}
	case strings.HasPrefix(s, `\_`), strings.HasPrefix(s, `\-`):
		return s[1], 2
	case s[0] == '\\' && len(s) >= 4 && (s[1] == '0' || s[1] == '1') && is(s[1:4], setDigit) && s[2] < '8' && s[3] < '8':
		if n := (s[1]-'0')<<6 | (s[2]-'0')<<3 | (s[3] - '0'); n >= ' ' && n < 0x7f {
			return n, 4
		}
	case strings.HasPrefix(s, `\x`) && len(s) >= 4:
		return hexByte(s[2:4], 4)
	case strings.HasPrefix(s, `\u00`) && len(s) >= 6:
		return hexByte(s[4:6], 6)
	case strings.HasPrefix(s, "&#"):
		return entity(s)
	case strings.HasPrefix(s, "&quot;"):
		return '"', 6
	}
	return 0, 0
}

func hexByte(digits string, n int) (byte, int) {
	if !is(digits, setHex) {
		return 0, 0
	}
	var b [1]byte
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil || b[0] >= 0x7f || b[0] < ' ' {
		return 0, 0
	}
	return b[0], n
}

func entity(s string) (byte, int) {
	n, i := 0, 2
	if at(s, 2) == 'x' {
		if j := strings.IndexByte(s[:min(len(s), 8)], ';'); j == 5 {
			return hexByte(s[3:5], 6)
		}
		return 0, 0
	}
	for ; i < len(s) && i < 5 && isDigit(s[i]); i++ {
		n = n*10 + int(s[i]-'0')
	}
	if at(s, i) != ';' || n < ' ' || n >= 0x7f {
		return 0, 0
	}
	return byte(n), i + 1
}
