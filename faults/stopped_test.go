//go:build unix

package faults

import (
	"context"
	"syscall"
	"testing"
	"time"
)

// One of three processes on a database is stopped, as a debugger or a suspended
// laptop stops it, at any point of what it does: also while it holds the lock
// that they take turns with, or is in the middle of a transaction. The others go
// on behind the lock within its time-out; only in the middle of a transaction
// are they told to come back. When it goes on, so does everything.
func TestStopped_process(t *testing.T) {
	t.Parallel()
	h, l, r := newHome(t), newLedger(t), chance()
	const channel = "#stopped"
	server := h.serve()
	near, far := h.stdio(), h.stdio()
	senders := []*insistent{
		l.insistent(overMCP(t, server.url), channel, "mcp", "database is busy"),
		l.insistent(near, channel, "near", "database is busy"),
		l.insistent(far, channel, "far", "database is busy"),
	}
	victims := []*program{server.program, near.current().program, far.current().program}

	distant, local := newReading(t, "a listener at /mcp", channel), newReading(t, "a listener over stdio", channel)
	c := begin(t)
	defer c.end()
	c.read(func(ctx context.Context) { distant.listen(ctx, overMCP(t, server.url)) })
	c.read(func(ctx context.Context) { local.listen(ctx, far) })
	c.send(senders...)

	n, locked, busy := rounds(t, 2), 0, 0
	for round := range n {
		victim, patient := round%len(victims), round%10 == 4
		moment(r, 50*time.Millisecond)
		held := strike(t, victims[victim], h, patient)
		if held {
			locked++
		}
		if !held || patient { // else the lock's time-out has to pass, and perhaps the transaction's: seconds
			busy += othersAreAnswered(senders, victim)
		}
		signal(t, victims[victim], syscall.SIGCONT)
		for _, s := range senders {
			s.goesOn(3)
		}
	}
	c.finish(l, distant, local)
	o := verify(t, h, l, distant, local)
	report(t, "SIGSTOP of one of three processes", n, o, "holding-the-lock", locked, "told-to-come-back", busy)
}

// othersAreAnswered waits until all but one have been, and returns how many were
// told that the database is busy.
func othersAreAnswered(senders []*insistent, victim int) (busy int) {
	for i, s := range senders {
		if i != victim && !s.isAnswered() {
			busy++
		}
	}
	return busy
}

// strike stops a process. If wanted it tries to catch it with the lock, of which
// only Linux tells; it returns whether it did.
func strike(t *testing.T, p *program, h *home, wanted bool) (held bool) {
	t.Helper()
	t.Cleanup(func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }) // before it is ended; an error says that it has
	for range 50 {
		signal(t, p, syscall.SIGSTOP)
		if held = holdsLock(p.pid(), h.db()+".lock"); held || !wanted {
			return held
		}
		signal(t, p, syscall.SIGCONT)
		<-time.After(time.Millisecond) // it gets somewhere else
	}
	signal(t, p, syscall.SIGSTOP)
	return holdsLock(p.pid(), h.db()+".lock")
}

func signal(t *testing.T, p *program, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("signal %v to agentbridge %v: %v", s, p.cmd.Args[1:], err)
	}
}
