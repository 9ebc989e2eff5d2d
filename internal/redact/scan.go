package redact

import (
	"sort"
	"sync"
	"unicode/utf8"
)

// Bounds on how far a scanner looks. They keep the work of one hit constant,
// and so the whole linear.
const (
	maxName   = 80   // bytes of a key's name
	maxValue  = 8192 // bytes of a keyed value
	maxLine   = 1024 // bytes of a line that are looked at
	maxToken  = 8192 // bytes of a prefix token
	maxLook   = 256  // bytes of a token that tell whether it is random
	maxBlock  = 64 << 10
	maxPasses = 12
)

// scan is one pass over one text: the hits come in from the automaton, the
// spans come out. It is reused, so that clean text costs no allocation.
type scan struct {
	known        *knowledge
	text         string
	spans        []span
	late         []hit // for rules, which run where nothing better was found
	privateUntil int   // end of the last private key
	covered      int   // end of the last span that was accepted
	derived      bool  // text is a view of another; no views of views

	merged     int // so many spans are sorted and do not overlap
	windows    []window
	lastWindow map[*rule]int
	wanted     map[*Pattern]bool

	cookieEnd   int // end of the last cookies that were looked at
	lastCommand map[*command]int

	headerEnd int // end of the last line that was looked at as a header

	nameEnd int // end of the last name that was looked at
	runs    [6]setRun
	runNext int
	values  runMemo
	nonText quoteMemo
}

// hit is a keyword found in the text.
type hit struct{ keyword, start, end int }

// runMemo remembers where a run ended, so that many hits within one long run
// do not each walk to its end.
type runMemo struct{ start, end int }

// setRun is a run of bytes of one set.
type setRun struct {
	set        charset
	start, end int
}

// run is the end of the run of bytes of set at i. A run that it walked before it
// does not walk again.
func (s *scan) run(i int, set charset) int {
	for _, r := range s.runs {
		if r.set == set && r.start <= i && i < r.end {
			return r.end
		}
	}
	end := run(s.text, i, set, maxToken)
	if end-i > 16 {
		s.runs[s.runNext] = setRun{set, i, end}
		s.runNext = (s.runNext + 1) % len(s.runs)
	}
	return end
}

var scans = sync.Pool{New: func() any { return new(scan) }}

func (k *knowledge) newScan(text string) *scan {
	s := scans.Get().(*scan)
	clear(s.lastWindow)
	clear(s.wanted)
	clear(s.lastCommand)
	*s = scan{known: k, text: text, spans: s.spans[:0], late: s.late[:0], windows: s.windows[:0], lastWindow: s.lastWindow, wanted: s.wanted, lastCommand: s.lastCommand}
	return s
}

func (s *scan) free() {
	s.text, s.known = "", nil
	clear(s.spans[:cap(s.spans)])
	scans.Put(s)
}

// add accepts a secret, unless it is none: an empty range, or a placeholder. It
// takes whole characters, so that valid text stays valid.
func (s *scan) add(start, end int, placeholder string, rank int) bool {
	if start >= end || start < 0 || end > len(s.text) {
		return false
	}
	for n := 0; n < 3 && start > 0 && !utf8.RuneStart(s.text[start]); n++ {
		start--
	}
	for n := 0; n < 3 && end < len(s.text) && !utf8.RuneStart(s.text[end]); n++ {
		end++
	}
	if isPlaceholder(s.text[start:end]) {
		return false
	}
	s.spans = append(s.spans, span{start, end, placeholder, rank})
	s.covered = max(s.covered, end)
	return true
}

// hits runs the automaton and hands each hit to the scanners of its keyword.
func (s *scan) hits() {
	a, state := s.known.words, uint32(0)
	for i := 0; i < len(s.text); i++ {
		state = a.next[state+uint32(a.class[s.text[i]])]
		if state&hitBit == 0 {
			continue
		}
		state &^= hitBit
		for _, id := range a.ends[state/a.width] {
			s.dispatch(hit{int(id), i + 1 - int(a.lens[id]), i + 1})
		}
	}
	s.lateHits()
	s.runWindows()
	s.runPatterns()
}

// lateHits hands the hits that no span covers to the rules.
func (s *scan) lateHits() {
	if len(s.late) == 0 {
		return
	}
	s.spans = merge(s.spans)
	s.merged = len(s.spans)
	i := 0
	for _, h := range s.late {
		for i < len(s.spans) && s.spans[i].end <= h.start {
			i++
		}
		if i == len(s.spans) || h.start < s.spans[i].start {
			s.rules(h)
		}
	}
}

// replaced tells whether a range is within one of the merged spans.
func (s *scan) replaced(start, end int) bool {
	i := sort.Search(s.merged, func(i int) bool { return s.spans[i].end > start })
	return i < s.merged && s.spans[i].start <= start && end <= s.spans[i].end
}

func (s *scan) dispatch(h hit) {
	w := &s.known.actions[h.keyword]
	for _, row := range w.rows {
		s.prefix(row, h)
	}
	for _, f := range w.scanners {
		f(s, h)
	}
	for _, p := range w.patterns {
		s.want(p)
	}
	if len(w.rules) > 0 {
		s.late = append(s.late, h)
	}
}

// action is what a keyword sets off.
type action struct {
	rows     []*row
	scanners []func(*scan, hit)
	rules    []*rule
	patterns []*Pattern
}

// all finds everything in the text: in itself, then in views of it.
func (s *scan) all() {
	s.hits()
	if s.derived {
		return
	}
	s.encoded()
	s.joined()
	s.wrapped()
	s.spacedOut()
	s.shadow()
	s.escaped()
}
