package bench

// Reading is what one reader got, in the order in which it came. The zero value
// is ready; one goroutine at a time.
type Reading struct {
	ids     map[string]string // text id → message id
	last    map[int]int       // by sender: the highest number so far
	late    []string          // text ids of what came behind a later one of its sender
	twice   int64
	altered int64 // letters whose text is not the one that was written
	alien   int64 // messages that are no letters of this run, where nobody else writes
}

// Add takes one message; marks are ignored. It tells whether it was a new letter.
func (r *Reading) Add(l *Ledger, m Message) bool {
	run, sender, n, ok := parseText(m.Content)
	if !ok || run != l.run {
		if !isMark(m.Content) {
			r.alien++
		}
		return false
	}
	if r.ids == nil {
		r.ids, r.last = map[string]string{}, map[int]int{}
	}
	id := textID(m.Content)
	if before, dup := r.ids[id]; dup {
		// Handed out again is allowed if it says so and is the same message.
		if !m.Again || before != m.ID {
			r.twice++
		}
		return false
	}
	r.ids[id] = m.ID
	if !whole(m.Content) {
		r.altered++
	}
	if last, any := r.last[sender]; any && n < last {
		r.late = append(r.late, id)
	} else {
		r.last[sender] = n
	}
	return true
}

// Count is how many different messages were read.
func (r *Reading) Count() int64 { return int64(len(r.ids)) }
