package sqlite

import (
	"os"
	"sync"
	"time"
)

// gateTimeout is how long the writer stands at the gate. A process that was
// stopped while it held the gate must not stop the others for ever; behind the
// gate SQLite's own lock still keeps them apart.
const gateTimeout = 2 * time.Second

// gate lets one process at a time into a write transaction: a lock on a file
// beside the database. SQLite's busy handler polls, and a process that writes
// without pause then leaves the others unserved for seconds; whoever blocks on
// a file lock is woken in turn.
//
// enter and leave belong to one goroutine at a time. The file stays open; the
// lock libraries we know open it anew each time, which costs more than the lock.
type gate struct {
	file *os.File

	mu     sync.Mutex    // guards the two below
	queued bool          // a goroutine waits for the lock
	stands chan struct{} // closed when it has it; nil if nobody stands here any more
}

func openGate(path string) (*gate, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &gate{file: f}, nil
}

// enter waits for the gate. The function it returns must be called when the
// transaction has ended.
func (g *gate) enter() (leave func()) {
	came := g.stand()
	if came == nil {
		return g.leave
	}
	timeout := time.NewTimer(gateTimeout)
	defer timeout.Stop()
	select {
	case <-came:
		return g.leave
	case <-timeout.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stands == nil { // it came in this moment
		return g.leave
	}
	g.stands = nil
	return func() {} // on without it
}

// stand takes the lock if it is free and returns nil, or stands in line for it.
func (g *gate) stand() (came <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.queued {
		if tryLock(g.file) {
			return nil
		}
		g.queued = true
		go g.queue()
	}
	g.stands = make(chan struct{})
	return g.stands
}

// queue waits for the lock, which may take longer than anybody stands at the
// gate. Then it gives the lock back at once: this process may not write again
// for hours, and all others would wait for their time-out at every commit.
func (g *gate) queue() {
	err := lock(g.file)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queued = false
	switch {
	case g.stands != nil: // with an error there is no gate, but still SQLite's lock
		close(g.stands)
		g.stands = nil
	case err == nil:
		unlock(g.file)
	}
}

func (g *gate) leave() { unlock(g.file) }

func (g *gate) close() error { return g.file.Close() }
