package bench

import "sync"

// Ledger keeps what was acknowledged to senders and compares it with what is
// read. It is safe for concurrent use; each sender numbers its own letters from
// 0 in the order in which it sends them.
type Ledger struct {
	run string

	mu     sync.Mutex
	acked  map[string]string   // text id → message id, of sends that were answered
	ids    map[string]struct{} // message ids that were given out
	reused int64               // of them, how many to a second text
	tried  map[string]bool     // text ids of sends that were not answered: they may be there or not
}

// NewLedger returns an empty one; run is the Run's ID.
func NewLedger(run string) *Ledger {
	return &Ledger{run: run, acked: map[string]string{}, ids: map[string]struct{}{}, tried: map[string]bool{}}
}

// Acked notes that a send was answered with an id.
func (l *Ledger) Acked(content, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := textID(content)
	if _, given := l.ids[id]; given && l.acked[text] != id {
		l.reused++
	}
	l.acked[text], l.ids[id] = id, struct{}{}
	delete(l.tried, text)
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

// Compare adds to a result what was acknowledged and not read as it was sent,
// what was read twice or under another id than was acknowledged, what was read
// but never sent by this ledger's senders, and what was read in another order.
// mine chooses the senders whose messages this reader should have had, and no
// others; nil means all.
func (l *Ledger) Compare(r *Reading, res *Result, mine func(sender int) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text, id := range l.acked {
		if !isMine(text, mine) {
			continue
		}
		switch got, ok := r.ids[text]; {
		case !ok:
			res.Lost++
		case got != id:
			res.Duplicated++
		}
	}
	strange := r.alien
	for text := range r.ids {
		if _, ok := l.acked[text]; !ok && !l.tried[text] || !isMine(text, mine) {
			strange++
		}
	}
	for _, text := range r.late {
		if !l.tried[text] { // whoever gave a send up does not know when it arrives
			res.Disordered++
		}
	}
	res.Lost += r.altered
	res.Duplicated += r.twice + strange + l.reused
	res.breach("with another text", r.altered)
	res.breach("never sent there", strange)
	res.breach("ids given twice", l.reused)
}

// breach tells what kind of broken promise is among those that are counted.
func (r *Result) breach(name string, n int64) {
	if n > 0 {
		r.figure(name, r.Figures[name]+float64(n))
	}
}

func isMine(text string, mine func(sender int) bool) bool {
	if mine == nil {
		return true
	}
	_, sender, _, _ := parseText(text)
	return mine(sender)
}
