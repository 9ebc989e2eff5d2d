package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"agentbridge"
)

// firstPause is the longest pause after a first try that failed, the client's
// own and ours.
const firstPause = 100 * time.Millisecond

// outage is a time in which the bridge does not answer. It is told once,
// however often the bridge is tried meanwhile.
type outage struct {
	prose io.Writer

	mu      sync.Mutex // guards the fields below
	reached bool       // the bridge has answered before
	told    bool       // this outage has been told
	quiet   bool       // it is our own end
}

// passing tells whether an error is one that ends by itself. Before the bridge
// has ever answered, its address is more likely wrong than its server away.
func (o *outage) passing(err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch agentbridge.CodeOf(err) {
	case agentbridge.Unreachable, agentbridge.Closed, agentbridge.Busy, agentbridge.Unavailable, agentbridge.RateLimited:
		return o.reached
	}
	return false
}

// lasts notes that the bridge was tried without success, and how long it will
// be before the next try. A pause as short as the first begins a new outage,
// even if nothing came in between that could have ended the last.
func (o *outage) lasts(err error, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.quiet {
		return
	}
	if !o.told || wait <= firstPause {
		fmt.Fprintf(o.prose, "the bridge does not answer (%s); trying again until it does\n", agentbridge.InertLine(err.Error()))
	}
	o.told = true
}

// over notes that the bridge answers.
func (o *outage) over() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.told {
		fmt.Fprintln(o.prose, "the bridge answers again")
	}
	o.reached, o.told = true, false
}

// end makes that no more is said: we are closing the connection ourselves.
func (o *outage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.quiet = true
}
