package redact

import "strings"

// row is a kind of token that can be told by how it begins.
type row struct {
	prefix      string // as it is written
	set         charset
	min, max    int // length of what follows the prefix; max 0 means any
	placeholder string
	opts        option
}

type option uint16

const (
	inside option = 1 << iota // may begin within a word
	fold                      // in either case
	random                    // the rest must hold a digit: words follow this prefix too
	exact                     // no letter or digit may follow
	whole                     // replace only what follows the prefix
	strong                    // random, with both cases or many digits
	jumpy                     // it changes between kinds of letters all the time
	gapped                    // one blank or line end may be hidden in it
)

// addPrefixes adds the table of prefixes.
func (v *vocabulary) addPrefixes() {
	for _, table := range [][]row{prefixes, newerPrefixes} {
		for i := range table {
			r := &table[i]
			a := v.on(strings.ToLower(r.prefix))
			a.rows = append(a.rows, r)
		}
	}
	v.scan((*scan).asana, "0/1", "1/1", "2/1")
}

// prefix looks whether a token of row r begins at h.
func (s *scan) prefix(r *row, h hit) {
	if r.opts&fold == 0 && s.text[h.start:h.end] != r.prefix {
		return
	}
	if r.opts&inside == 0 && !boundary(s.text, h.start) {
		return
	}
	end := s.run(h.end, r.set)
	if end-h.end < r.min && r.opts&gapped != 0 {
		end = s.acrossGap(r, h.end, end)
	}
	end = h.end + len(trimTail(s.text[h.end:end]))
	if !r.fits(s.text, h.end, end) {
		return
	}
	start := h.start
	if r.opts&whole != 0 {
		start = h.end
	}
	s.add(start, end, r.placeholder, rankPrefix+len(r.prefix))
}

// fits tells whether s[from:to] can be the rest of such a token.
func (r *row) fits(s string, from, to int) bool {
	body := s[from:to]
	if len(body) < r.min || r.max > 0 && len(body) > r.max {
		return false
	}
	if r.opts&exact != 0 && isAlnum(at(s, to)) {
		return false
	}
	body = body[:min(len(body), maxLook)]
	if isMask(body) && r.prefix != "sk-..." || isFiller(body) || isFiller(body[strings.LastIndexByte(body, '/')+1:]) {
		return false
	}
	k := measure(body)
	if k.digit == 0 && isHint(body) {
		return false
	}
	if r.opts&random != 0 && (k.digit == 0 || k.lower+k.upper == 0) {
		return false
	}
	if r.opts&jumpy != 0 && (switches(body) < 10 || at(s, to) == '(') {
		return false
	}
	if r.opts&strong != 0 {
		return k.digit > 0 && (k.lower > 0 && k.upper > 0 || k.digit >= len(body)/5)
	}
	return true
}

// trimTail cuts off what ends a sentence or an address, not a token.
func trimTail(s string) string { return strings.TrimRight(s, ".,:;-?&") }

// acrossGap is the end of a token of known length that somebody broke in two
// or more: by a blank, a line end or a hyphen.
func (s *scan) acrossGap(r *row, from, end int) int {
	have, gaps, i := end-from, 0, end
	for have < r.min && gaps < 8 {
		next := skipSpace(s.text, i, 12)
		part := run(s.text, next, r.set, r.min-have+1)
		if next == i || part == next || next-i > 1 && s.text[i] == ' ' {
			return end
		}
		have += part - next
		gaps++
		i = part
	}
	if have != r.min || isAlnum(at(s.text, i)) {
		return end
	}
	k := measure(s.text[from:i])
	if k.digit < 1 || k.upper == 0 || r.set != setUpperNum && k.lower == 0 {
		return end
	}
	return i
}

// jwt finds three parts of base64 with dots between, the first a JSON object.
func (s *scan) jwt(h hit) {
	t := s.text
	if t[h.start:h.end] != "eyJ" || !boundary(t, h.start) && !is(t[h.start-1:h.start], setUpperNum) {
		return
	}
	first := s.run(h.end, setURLSafe)
	if first-h.end < 8 || at(t, first) != '.' {
		return
	}
	second := s.run(first+1, setURLSafe)
	if second-first < 8 {
		return
	}
	end := second
	for parts := 0; parts < 3 && at(t, end) == '.'; parts++ {
		next := s.run(end+1, setURLSafe)
		if next == end+1 && parts > 0 {
			break
		}
		end = next
	}
	if end == second && !strings.HasPrefix(t[first+1:], "eyJ") {
		return
	}
	s.add(h.start, h.start+len(trimTail(t[h.start:end])), bearerToken, rankPrefix+3)
}

// bot finds tokens of Telegram bots: digits, ":AA", 33 characters.
func (s *scan) bot(h hit) {
	t := s.text
	if t[h.start:h.end] != ":AA" {
		return
	}
	end := run(t, h.end, setURLSafe, 64)
	start := h.start
	for start > 0 && h.start-start < 12 && isDigit(t[start-1]) {
		start--
	}
	if h.start-start >= 7 && end-h.end >= 28 && end-h.end <= 40 {
		s.add(start, end, "TELEGRAM_TOKEN_REDACTED", rankPrefix)
	}
}

// asana finds the tokens of Asana: a number, "/", one or two long numbers, ":",
// 32 hex digits.
func (s *scan) asana(h hit) {
	t := s.text
	if !boundary(t, h.start) {
		return
	}
	i := run(t, h.end-1, setDigit, 20)
	if i-h.end < 14 {
		return
	}
	if at(t, i) == '/' {
		i = run(t, i+1, setDigit, 20)
	}
	if end := run(t, min(i+1, len(t)), setHexLow, 33); at(t, i) == ':' && end-i == 33 {
		s.add(h.start, end, "ASANA_TOKEN_REDACTED", rankPrefix)
	}
}
