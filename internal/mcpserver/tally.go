// This file is a counter of work in progress.

package mcpserver

import (
	"sync"
	"time"
)

// tally counts work in progress. Unlike a sync.WaitGroup it can be waited for with a limit, and while
// others still add.
type tally struct {
	mu   sync.Mutex // guards n and zero
	n    int
	zero chan struct{} // closed when n returns to zero; nil while it is zero
}

func (t *tally) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		t.zero = make(chan struct{})
	}
	t.n++
}

func (t *tally) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	if t.n == 0 {
		close(t.zero)
		t.zero = nil
	}
}

// idle is closed once the work of this moment, and what joined it, is done.
func (t *tally) idle() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n > 0 {
		return t.zero
	}
	idle := make(chan struct{})
	close(idle)
	return idle
}

// wait reports whether the work was done within limit.
func (t *tally) wait(limit time.Duration) bool {
	select {
	case <-t.idle():
		return true
	case <-time.After(limit):
		return false
	}
}
