package redact

import "strings"

// wrapped looks at the text with the line breaks, hyphens and commas taken out
// that may stand within a token: a terminal, a letter or a list of pieces put
// them there. Names mean nothing in such a view; only what bears the sign of a
// vendor counts.
func (s *scan) wrapped() {
	t := s.text
	list := strings.Contains(t, "join(") || strings.Contains(t, "concat(") || strings.Contains(t, "implode(")
	var v *view
	var seams []int
	plain := 0
	for i := nextSeam(t, 1, list); i < len(t); i = nextSeam(t, i+1, list) {
		from, to := i, 0
		if isQuote(t[i]) {
			to = listSeam(t, i)
		} else {
			from, to = s.lineSeam(i)
		}
		if to == 0 || from < plain {
			continue
		}
		if v == nil {
			v = &view{}
		}
		v.copy(t, plain, from)
		seams = append(seams, from)
		plain, i = to, max(i, to-1)
	}
	if v == nil {
		return
	}
	v.copy(t, plain, len(t))
	s.lookFor(v, rankPrefix, func(start, end int) bool { return between(seams, start, end) })
}

// nextSeam is the next line end from i on, or quote in a text with lists, or the
// end of the text.
func nextSeam(t string, i int, list bool) int {
	if i >= len(t) {
		return len(t)
	}
	n := 0
	if list {
		n = strings.IndexAny(t[i:], "\n\"'`")
	} else {
		n = strings.IndexByte(t[i:], '\n')
	}
	if n < 0 {
		return len(t)
	}
	return i + n
}

// lineSeam tells whether a token may go on from the line that ends at i: the
// next line is nothing but one run of its letters. It returns where the line's
// part ends and where the next begins, 0 if none does.
func (s *scan) lineSeam(i int) (from, to int) {
	t := s.text
	next := skipBlank(t, i+1)
	if at(t, i-1) == '\r' {
		i--
	}
	last := at(t, i-1)
	if sets[last]&setURLSafe == 0 {
		return i, 0
	}
	head := i
	for head > 0 && i-head < keyLine && sets[t[head-1]]&(setURLSafe|setBase64) != 0 {
		head--
	}
	end := run(t, next, setURLSafe|setBase64, 256)
	if next >= len(t) || i-head < 8 || end-next < 8 {
		return i, 0
	}
	if c := at(t, end); c != 0 && c != '\n' && c != '\r' && !isQuote(c) && c != ' ' {
		return i, 0
	}
	if !mixedRun(t[head:i]) || !mixedRun(t[next:end]) || signed(t[next:end]) {
		return i, 0
	}
	if last == '-' && i-head < keyLine {
		return i - 1, next
	}
	return i, next
}

// signed tells a line that begins a token of its own.
func signed(s string) bool { return tokenSigns.of(s) != "" }

var tokenSigns = newPrefixSet("ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "sk-", "sk_", "pk_", "rk_", "xox", "xapp-", "glpat-", "AKIA", "ASIA", "AIza", "npm_", "hf_", "eyJ", "whsec_", "abr_", "dop_v1_", "hvs.", "gsk_", "r8_", "nvapi-")

// listSeam returns the end of the comma between two literals of a list at i.
func listSeam(t string, i int) int {
	if !isWordy(at(t, i-1)) {
		return 0
	}
	p := skipSpace(t, i+1, 16)
	if at(t, p) != ',' {
		return 0
	}
	p = skipSpace(t, p+1, 64)
	if !isQuote(at(t, p)) || !isWordy(at(t, p+1)) {
		return 0
	}
	return p + 1
}
