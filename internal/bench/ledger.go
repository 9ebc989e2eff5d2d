package bench

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Ledger keeps what was acknowledged to senders and compares it with what is
// read. It is safe for concurrent use; each sender numbers its own letters from
// 0 in the order in which it sends them.
type Ledger struct {
	run string

	mu    sync.Mutex
	acked map[string]string // text id → message id, of sends that were answered
	tried map[string]bool   // text ids of sends that were not answered: they may be there or not
}

// NewLedger returns an empty one; run is the Run's ID.
func NewLedger(run string) *Ledger {
	return &Ledger{run: run, acked: map[string]string{}, tried: map[string]bool{}}
}

// Letter is the text of a sender's n-th message on a channel, of size bytes (or
// somewhat more if that is too few for its name).
func (l *Ledger) Letter(sender, n, size int) string {
	name := fmt.Sprintf("%s/%d/%d ", l.run, sender, n)
	return name + strings.Repeat("lorem ipsum ", max(0, size-len(name))/12+1)[:max(0, size-len(name))]
}

// Acked notes that a send was answered with an id.
func (l *Ledger) Acked(content, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[textID(content)] = id
	delete(l.tried, textID(content))
}

// Unknown notes that a send failed: its message may be there, once.
func (l *Ledger) Unknown(content string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.acked[textID(content)]; !ok {
		l.tried[textID(content)] = true
	}
}

// Sent is how many were acknowledged.
func (l *Ledger) Sent() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.acked))
}

// Reading is what one reader got, in the order in which it came. The zero value
// is ready; one goroutine at a time.
type Reading struct {
	ids   map[string]string // text id → message id
	last  map[int]int       // by sender: the highest number so far
	twice int64
	late  int64
}

// Add takes one message; what is not of this run is ignored. It tells whether
// it was new.
func (r *Reading) Add(l *Ledger, m Message) bool {
	run, sender, n, ok := parseText(m.Content)
	if !ok || run != l.run {
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
	if last, any := r.last[sender]; any && n < last {
		r.late++
	} else {
		r.last[sender] = n
	}
	return true
}

// Count is how many different messages were read.
func (r *Reading) Count() int64 { return int64(len(r.ids)) }

// Compare adds to a result what was acknowledged and not read, what was read
// twice or under another id than was acknowledged, and what was read but never
// sent by this ledger's senders. mine chooses the senders whose messages this
// reader should have had; nil means all.
func (l *Ledger) Compare(r *Reading, res *Result, mine func(sender int) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text, id := range l.acked {
		if _, sender, _, _ := parseText(text); mine != nil && !mine(sender) {
			continue
		}
		switch got, ok := r.ids[text]; {
		case !ok:
			res.Lost++
		case got != id:
			res.Duplicated++
		}
	}
	for text := range r.ids {
		if _, ok := l.acked[text]; !ok && !l.tried[text] {
			res.Duplicated++
		}
	}
	res.Duplicated += r.twice
	res.Disordered += r.late
}

// textID is the part of a letter that names it: run/sender/n. It is a copy, so
// that who keeps the name does not keep the letter in memory.
func textID(content string) string {
	id, _, _ := strings.Cut(content, " ")
	return strings.Clone(id)
}

func parseText(content string) (run string, sender, n int, ok bool) {
	parts := strings.Split(textID(content), "/")
	if len(parts) != 3 {
		return "", 0, 0, false
	}
	sender, err1 := strconv.Atoi(parts[1])
	n, err2 := strconv.Atoi(parts[2])
	return parts[0], sender, n, err1 == nil && err2 == nil
}
