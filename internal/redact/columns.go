package redact

import "strings"

// maxRows is how many rows below a header are looked at.
const maxRows = 200

// column replaces the cells below a header that names a secret, in tables of
// Markdown, CSV, tabs, or columns of blanks.
func (s *scan) column(h hit) {
	t := s.text
	if h.start < s.headerEnd {
		return
	}
	from, to := lineStart(t, h.start, 300), lineEnd(t, h.end, 300)
	s.headerEnd = to
	if strings.ContainsAny(t[from:to], ":=(){}[]<>.$/") {
		return // most lines are no header, and told so at once
	}
	sep := separatorOf(t[from:to])
	if to >= len(t) || sep == "" || !isHeader(t[from:to], sep) || sep != "|" && !firstLine(t, from) {
		return
	}
	var kinds [16]kind
	n, any := 0, false
	for cell := range cells(t, from, to, sep) {
		if n == len(kinds) {
			return
		}
		kinds[n] = classify(t[cell.start:cell.end])
		any = any || kinds[n] != noSecret
		n++
	}
	if any && n >= 2 {
		s.headerEnd = s.rows(nextLine(t, to), sep, kinds[:n])
	}
}

// firstLine tells whether a table may begin at the line at i: nothing stands
// above it, or an end of a sentence or of a block.
func firstLine(t string, i int) bool {
	if i == 0 {
		return true
	}
	above := strings.TrimRight(t[lineStart(t, i-1, 200):i-1], " \t\r")
	return above == "" || strings.HasPrefix(above, "```") || strings.HasPrefix(above, "$ ") || strings.HasSuffix(above, ":") || strings.HasSuffix(above, ".") || strings.HasSuffix(above, ";")
}

// rows replaces cells in the lines from i on, as long as they have as many as the
// header. It returns where they end, so that no row is taken for a header.
func (s *scan) rows(i int, sep string, kinds []kind) int {
	t := s.text
	ruled := false
	for range maxRows {
		to := lineEnd(t, i, maxLine)
		if i >= len(t) || to == i {
			return i
		}
		if line := t[i:to]; strings.Trim(line, "|-:+= \t") == "" {
			ruled = true
		} else if sep == "|" && !ruled || !s.rowOf(i, to, sep, kinds) {
			return i
		}
		i = nextLine(t, to)
	}
	return i
}

// rowOf replaces the cells of one row. It returns false if the line is none.
func (s *scan) rowOf(from, to int, sep string, kinds []kind) bool {
	n := 0
	for range cells(s.text, from, to, sep) {
		n++
	}
	if n != len(kinds) {
		return false
	}
	n = 0
	for cell := range cells(s.text, from, to, sep) {
		if kd := kinds[n]; kd != noSecret && cellSecret(s.text[cell.start:cell.end], kd) {
			s.add(cell.start, cell.end, kd.placeholder(), kd.rank())
		}
		n++
	}
	return true
}

// cellSecret judges a cell below the name of a secret.
func cellSecret(text string, kd kind) bool {
	if isPlaceholder(text) || isReference(text) || text == "" {
		return false
	}
	if kd == kindPassword || kd == kindPass {
		return looksChosen(text) && !strings.Contains(text, "(")
	}
	return isRandom(text)
}

// separatorOf tells what keeps the cells of a line apart, "" if nothing does.
func separatorOf(line string) string {
	line = strings.TrimSpace(line)
	for _, sep := range []string{"|", "\t", ",", ";"} {
		if strings.Contains(line, sep) {
			return sep
		}
	}
	if strings.Contains(line, "  ") {
		return "  "
	}
	if n := strings.Count(line, " "); n > 0 && n < 3 {
		return "  "
	}
	return ""
}

// isHeader tells a line of nothing but short names.
func isHeader(line, sep string) bool {
	if sep == "  " && !strings.Contains(strings.TrimSpace(line), "  ") {
		return false
	}
	for i := range len(line) {
		c := line[i]
		if !isAlnum(c) && c != '_' && c != '-' && c != ' ' && c != '"' && c != '\r' && strings.IndexByte(sep, c) < 0 {
			return false
		}
	}
	last := strings.TrimRight(line, " \r")
	return last != "" && (sep == "|" || !strings.HasSuffix(last, sep))
}

// cells walks over the cells of t[from:to]: what stands between separators,
// without blanks and quotes round it. The outer bars of a table make none.
func cells(t string, from, to int, sep string) func(func(slot) bool) {
	return func(yield func(slot) bool) {
		for from < to && (t[from] == ' ' || sep == "|" && t[from] == '|') {
			from++
		}
		for to > from && (isSpace(t[to-1]) || sep == "|" && t[to-1] == '|') {
			to--
		}
		for from <= to {
			end := to
			if i := strings.Index(t[from:to], sep); i >= 0 {
				end = from + i
			}
			c := slot{start: from, end: end}
			for c.start < c.end && (t[c.start] == ' ' || t[c.start] == '"') {
				c.start++
			}
			for c.end > c.start && (t[c.end-1] == ' ' || t[c.end-1] == '"') {
				c.end--
			}
			if !yield(c) || end == to {
				return
			}
			from = end + len(sep)
			for sep == "  " && from < to && t[from] == ' ' {
				from++
			}
		}
	}
}
