package redact

// window is a stretch of text that a rule shall look at.
type window struct {
	rule     *rule
	from, to int
}

// before is how many bytes before a keyword a rule sees.
const before = 70

// widen asks for a rule to run round a hit. Windows that touch become one, so
// that however dense the keywords are, a rule sees each byte once.
func (s *scan) widen(r *rule, h hit) {
	from, to := max(0, h.start-before), min(len(s.text), h.end+r.reach)
	if s.lastWindow == nil {
		s.lastWindow = make(map[*rule]int)
	}
	if i, ok := s.lastWindow[r]; ok && s.windows[i].to >= from {
		s.windows[i].to = to
		return
	}
	s.lastWindow[r] = len(s.windows)
	s.windows = append(s.windows, window{r, from, to})
}

// runWindows runs what was asked for.
func (s *scan) runWindows() {
	for _, w := range s.windows {
		s.runRule(w.rule, w.from, w.from, w.to)
	}
}
