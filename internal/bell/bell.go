// Package bell wakes whoever waits for a topic. A ring says "something
// happened, look"; it carries nothing and is never the only way to learn of
// it.
package bell

import "sync"

// Bell is safe for concurrent use. The zero value is ready.
type Bell[Topic comparable] struct {
	mu   sync.Mutex // guards all and ears
	all  map[*Ear[Topic]]struct{}
	ears map[Topic]map[*Ear[Topic]]struct{}
}

// Ear hears the rings of its topics from the moment it was made.
type Ear[Topic comparable] struct {
	// C receives when a topic rang. Rings that nobody took yet are merged.
	C      chan struct{}
	bell   *Bell[Topic]
	topics []Topic // none: all
}

// Listen returns an ear for some topics, or for all if none is named; Close it.
// Look at the topics after Listen and before waiting, or a ring in between is
// missed.
func (b *Bell[Topic]) Listen(topics ...Topic) *Ear[Topic] {
	e := &Ear[Topic]{C: make(chan struct{}, 1), bell: b, topics: topics}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ears == nil {
		b.all = map[*Ear[Topic]]struct{}{}
		b.ears = map[Topic]map[*Ear[Topic]]struct{}{}
	}
	if len(topics) == 0 {
		b.all[e] = struct{}{}
	}
	for _, topic := range topics {
		if b.ears[topic] == nil {
			b.ears[topic] = map[*Ear[Topic]]struct{}{}
		}
		b.ears[topic][e] = struct{}{}
	}
	return e
}

// Close stops listening.
func (e *Ear[Topic]) Close() {
	e.bell.mu.Lock()
	defer e.bell.mu.Unlock()
	delete(e.bell.all, e)
	for _, topic := range e.topics {
		delete(e.bell.ears[topic], e)
		if len(e.bell.ears[topic]) == 0 {
			delete(e.bell.ears, topic)
		}
	}
}

// Ring wakes the listeners of the topics, and only those; nil wakes everybody.
// It never blocks.
func (b *Bell[Topic]) Ring(topics []Topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wake(b.all)
	if topics == nil {
		for _, ears := range b.ears {
			wake(ears)
		}
		return
	}
	for _, topic := range topics {
		wake(b.ears[topic])
	}
}

func wake[Topic comparable](ears map[*Ear[Topic]]struct{}) {
	for e := range ears {
		select {
		case e.C <- struct{}{}:
		default: // it has a ring that it has not taken yet
		}
	}
}
