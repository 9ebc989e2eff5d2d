package redact

import (
	"slices"
	"strings"
)

// addPatterns adds the patterns of an operator. Each runs over a text that
// holds one of its keywords, and goes before what is built in.
func (v *vocabulary) addPatterns(patterns []Pattern) {
	v.patterns = slices.Clone(patterns)
	for i := range v.patterns {
		p := &v.patterns[i]
		for _, k := range p.Keywords {
			a := v.on(strings.ToLower(k))
			a.patterns = append(a.patterns, p)
		}
	}
}

// want remembers that a keyword of a pattern was met.
func (s *scan) want(p *Pattern) {
	if s.wanted == nil {
		s.wanted = make(map[*Pattern]bool)
	}
	s.wanted[p] = true
}

// runPatterns runs the patterns whose keywords were met, in the operator's order.
func (s *scan) runPatterns() {
	if len(s.wanted) == 0 {
		return
	}
	for i := range s.known.patterns {
		p := &s.known.patterns[i]
		if !s.wanted[p] {
			continue
		}
		p.secrets(s.text, func(from, to int) { s.add(from, to, p.Placeholder, rankCustom) })
	}
}
