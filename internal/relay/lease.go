package relay

import (
	"sync"
	"time"

	"agentbridge/internal/limit"
)

// A lease is some tokens that this process took from a bucket at once, so that
// not every message writes the bucket. They are charged in full when they are
// taken; what is left of them when the lease ends, or the process, is lost. So
// leases make a limit a little stricter, and never looser.
type lease struct {
	size  int       // tokens that were taken,
	left  int       // and so many are there still,
	until time.Time // by the monotonic clock
	void  bool      // its transaction failed: nothing was taken
	empty time.Time // until then the bucket has nothing
}

const (
	// leaseTime bounds how long a lease lasts, and with it how late a process
	// learns of anything about the bucket.
	leaseTime = 2 * time.Second

	// leasePart of what a bucket holds is the most that a process takes at once.
	// Buckets that hold less are exact, token by token.
	leasePart = 60
)

// maxLease is how many tokens may be taken at once.
func maxLease(rule limit.Rule) int { return max(1, rule.Capacity()/leasePart) }

// leases are what this process has at hand, by the buckets' keys.
type leases struct {
	mu   sync.Mutex // guards held and what it holds
	held map[string]*lease
}

// spend takes a token from a lease and returns the lease, nil if there is none.
func (ls *leases) spend(key string, now time.Time) *lease {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.held[key]
	if l == nil || l.left == 0 || !now.Before(l.until) {
		return nil
	}
	l.left--
	return l
}

// next is how many tokens to take next: one at first, twice as many whenever a
// lease was used up in its time, and else as many as were used of it. So who
// sends now and then, or from a new process each time, loses none.
func (ls *leases) next(key string, now time.Time, most int) int {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	n := 1
	if l := ls.held[key]; l != nil {
		n = l.size - l.left
		if l.left == 0 && now.Before(l.until) {
			n = 2 * l.size
		}
	}
	return min(max(1, n), most)
}

// open keeps tokens that were just taken, less the one for who took them.
// Others may spend them before they are known to be taken: those of one batch
// share its commit, and if that fails all of them fail.
func (ls *leases) open(key string, now time.Time, got int) *lease {
	l := &lease{size: got, left: got - 1, until: now.Add(leaseTime)}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.put(key, l)
	return l
}

// put remembers a lease. Forgetting the others costs their tokens, no more.
func (ls *leases) put(key string, l *lease) {
	if ls.held == nil || len(ls.held) >= maxRemembered {
		ls.held = map[string]*lease{}
	}
	ls.held[key] = l
}

// undo is for an action that failed after it had paid. Who opened the lease took
// nothing then; anybody else has his token back.
func (ls *leases) undo(l *lease, opened bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	switch {
	case opened:
		l.size, l.left, l.void = 1, 0, true
	case !l.void:
		l.left++
	}
}

// block notes that a bucket has nothing until a time.
func (ls *leases) block(key string, until time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.put(key, &lease{empty: until})
}

// blocked is how long a bucket is known to have nothing yet.
func (ls *leases) blocked(key string, now time.Time) time.Duration {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.held[key]
	if l == nil {
		return 0
	}
	return max(0, l.empty.Sub(now))
}
