package redact

// view is text made from another text, each byte of which knows where it came
// from: joined literals, decoded escapes, letters without their disguise.
type view struct {
	text []byte
	from []int32 // by byte of text: where its source begins
	to   []int32 // and ends
}

// put appends bytes that stand for source[from:to].
func (v *view) put(b []byte, from, to int) {
	for _, c := range b {
		v.text = append(v.text, c)
		v.from = append(v.from, int32(from))
		v.to = append(v.to, int32(to))
	}
}

// copy appends source[from:to] as it is.
func (v *view) copy(source string, from, to int) {
	for i := from; i < to; i++ {
		v.text = append(v.text, source[i])
		v.from = append(v.from, int32(i))
		v.to = append(v.to, int32(i+1))
	}
}

// look scans a view and adds what it finds to s, at its places in the source.
// keep says which finds count.
func (s *scan) look(v *view, keep func(start, end int) bool) { s.lookFor(v, 0, keep) }

// lookFor is look for finds of a rank, or a higher one, alone.
func (s *scan) lookFor(v *view, least int, keep func(start, end int) bool) {
	sub := s.known.newScan(string(v.text))
	defer sub.free()
	sub.derived = true
	sub.hits()
	for _, sp := range sub.spans {
		start, end := int(v.from[sp.start]), int(v.to[sp.end-1])
		if start < end && sp.rank >= least && keep(start, end) {
			s.add(start, end, sp.placeholder, sp.rank)
		}
	}
}

func always(int, int) bool { return true }
