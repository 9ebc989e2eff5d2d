package redact

// joined looks at the text with the seams of adjacent string literals and of
// continued lines taken out: "ghp_" + "…" is one token.
func (s *scan) joined() {
	t := s.text
	var v *view
	var seams []int
	plain := 0
	for i := 0; i < len(t); {
		if c := t[i]; c != '"' && c != '\'' && c != '`' && c != '\\' && c != '*' {
			i++
			continue
		}
		end := seam(t, i)
		if end == 0 {
			i++
			continue
		}
		if v == nil {
			v = &view{}
		}
		v.copy(t, plain, i)
		seams = append(seams, i)
		plain, i = end, end
	}
	if v == nil {
		return
	}
	v.copy(t, plain, len(t))
	s.look(v, func(start, end int) bool { return between(seams, start, end) })
}

// between tells whether one of the sorted places lies in (start, end).
func between(places []int, start, end int) bool {
	lo, hi := 0, len(places)
	for lo < hi {
		if mid := (lo + hi) / 2; places[mid] <= start {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(places) && places[lo] < end
}

// seam returns the end of what joins two literals at i, 0 if nothing does: the
// closing quote, an operator, the opening quote; or a backslash at a line end.
func seam(t string, i int) int {
	if t[i] == '\\' {
		if at(t, i+1) == '\n' && isWordy(at(t, i-1)) {
			return skipSpace(t, i+1, 64)
		}
		return 0
	}
	if t[i] == '*' { // bold in the middle of a word
		if at(t, i+1) == '*' && (isWordy(at(t, i-1)) || at(t, i-1) == '*') && isWordy(at(t, i+2)) {
			return i + 2
		}
		return 0
	}
	if !isWordy(at(t, i-1)) {
		return 0
	}
	p := skipSpace(t, i+1, 64)          // none at all for the 'a''b' of a shell
	if q := pieces.of(t[p:]); q != "" { // f"{'a'}{'b'}"
		p = p + len(q)
	}
	switch at(t, p) {
	case '+', '.', '&', '\\', '~':
		if at(t, p+1) == '.' {
			p++
		}
		p = skipSpace(t, p+1, 64)
	}
	if p < len(t) && len(leading(t[p:min(len(t), p+2)], "fbrFBR")) > 0 && p > i+1 && isQuote(at(t, p+1)) {
		p++
	}
	if p >= len(t) || !isQuote(t[p]) || p == i || !isWordy(at(t, p+1)) {
		return 0
	}
	return p + 1
}

func isWordy(c byte) bool {
	return isAlnum(c) || c == '_' || c == '-' || c == '/' || c == '.' || c == '+'
}

// pieces close one part of a template and open the next.
var pieces = newPrefixSet("}{", "}${", "}#{", ")(", "} {")
