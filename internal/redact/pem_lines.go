package redact

import "strings"

// Keys in logs and listings: each line begins with a time, a container's name,
// a line number or a file's name, and only its last word is of the key.

const (
	keyLine  = 16 // least bytes of a line of a key, but for the last
	fullLine = 40 // least bytes of a line that is a key without its BEGIN line
)

// keyWord returns where the last word of the line t[from:to] is, if it can be of
// a key: at least n bytes of base64.
func keyWord(t string, from, to, n int) (start, end int, ok bool) {
	end = to
	for end > from && strings.IndexByte(" \t\r\"'`,;+\\$|*<>", t[end-1]) >= 0 {
		end--
	}
	if end-from > 2 && t[end-2] == '\\' && (t[end-1] == 'n' || t[end-1] == 'r') {
		end -= 2
	}
	start = end
	for start > from && sets[t[start-1]]&setBase64 != 0 {
		start--
	}
	return start, end, end-start >= n && (n < keyLine || keyMix(t[start:end]))
}

// keyMix tells whether a word is base64 and no word of a language.
func keyMix(s string) bool {
	k := measure(s)
	return k.upper > 1 && k.lower > 1 && (k.digit > 0 || k.other > 0 || len(s) >= fullLine && jumbled(s, k))
}

// keyLines returns the end of the key whose BEGIN line ends at i, reading line by
// line whatever stands before the last word. closed tells of an END line.
func (s *scan) keyLines(i int) (end int, closed bool) {
	t := s.text
	stop := min(len(t), i+maxBlock)
	from, to := i, lineEnd(t, i, maxLine)
	end = i
	for n := 0; to < stop; n++ {
		from = nextLine(t, to)
		to = lineEnd(t, from, maxLine)
		if from >= stop || to-from >= maxLine {
			return end, false
		}
		if mark := endMark(t[from:to]); mark > 0 {
			if end == i {
				return end, false
			}
			return from + mark, true
		}
		_, stopWord, ok := keyWord(t, from, to, keyLine)
		switch {
		case ok:
			end = stopWord
		case n > 0 && shortLast(t, from, to), isFrame(t[from:to]):
		default:
			return end, false
		}
	}
	return end, false
}

// nextLine is where the line behind the line end at i begins.
func nextLine(t string, i int) int {
	if at(t, i) == '\r' && at(t, i+1) == '\n' {
		return i + 2
	}
	return min(i+1, len(t))
}

// shortLast tells the last line of a key, which may be short: the END line
// follows it.
func shortLast(t string, from, to int) bool {
	_, _, ok := keyWord(t, from, to, 2)
	next := nextLine(t, to)
	return ok && endMark(t[next:lineEnd(t, next, maxLine)]) > 0
}

// isFrame tells a line that holds nothing, or a header of the armour.
func isFrame(line string) bool {
	line = strings.TrimRight(line, " \t|#>*")
	return line == "" || strings.Contains(line, "Proc-Type:") || strings.Contains(line, "DEK-Info:") || !strings.ContainsAny(line, " \t") && len(line) < 12
}

// endMark returns where the END mark of a private key ends in a line, 0 if there
// is none.
func endMark(line string) int {
	i := strings.Index(line, "-----END")
	if i < 0 {
		if i = strings.Index(line, "---- END"); i < 0 {
			return 0
		}
	}
	key := strings.Index(line[i:], "KEY")
	if key < 0 {
		return 0
	}
	end := i + key + len("KEY")
	return end + len(leading(line[end:], "-"))
}

// pemTail replaces a key whose BEGIN line is missing: the lines above its END.
func (s *scan) pemTail(h hit) {
	t := s.text
	if h.start < s.privateUntil || h.start < s.covered {
		return
	}
	line := t[h.start:lineEnd(t, h.end, 100)]
	if !containsFold(line, "private") {
		return
	}
	mark := endMark(line)
	if mark == 0 {
		return
	}
	start, lines := s.aboveEnd(h.start)
	if lines > 0 && s.add(start, h.start+mark, privateKey, rankPrivateKey) {
		s.privateUntil = h.start + mark
	}
}

// aboveEnd walks up from an END line and counts the full lines of a key.
func (s *scan) aboveEnd(i int) (start, lines int) {
	t := s.text
	start = i
	from := i
	for from > 0 && (sets[t[from-1]]&setBase64 != 0 || strings.IndexByte("\\ \"'", t[from-1]) >= 0) && i-from < maxLine {
		from--
	}
	if start, _, ok := keyWord(t, from, i, fullLine); ok { // all on one line
		return start, 1
	}
	below := lineStart(t, i, maxLine)
	first := below
	for first > s.privateUntil && i-first < maxBlock {
		to := first - 1
		from := lineStart(t, to, maxLine)
		least := fullLine
		if to+1 == below {
			least = 2 // the last line of a key
		}
		word, _, ok := keyWord(t, from, to, least)
		if !ok || at(t, word-1) == '-' {
			break
		}
		if least == fullLine || to-word >= fullLine {
			lines++
		}
		start, first = word, from
	}
	return start, lines
}
