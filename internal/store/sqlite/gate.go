package sqlite

import (
	"os"
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
// It belongs to one goroutine. The file stays open; the lock libraries we know
// open it anew each time, which costs more than the lock.
type gate struct {
	file    *os.File
	waiting chan error // of a lock that is under way, nil if none
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
	if g.waiting == nil {
		if tryLock(g.file) {
			return g.leave
		}
		g.waiting = make(chan error, 1)
		go func(done chan<- error) { done <- lock(g.file) }(g.waiting)
	}
	timeout := time.NewTimer(gateTimeout)
	defer timeout.Stop()
	select {
	case <-g.waiting: // with an error there is no gate, but still SQLite's lock
		g.waiting = nil
		return g.leave
	case <-timeout.C:
		return func() {} // on without it; lock goes on waiting for the next enter
	}
}

func (g *gate) leave() { unlock(g.file) }

func (g *gate) close() error { return g.file.Close() }
