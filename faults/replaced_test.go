//go:build unix

package faults

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// misplaced is what somebody does to the files of a database that is in use, and
// what makes it good again when the programs have ended.
type misplaced struct {
	name   string
	strike func(t *testing.T, db, aside string)
	mend   func(t *testing.T, db, aside string)
}

var misplacements = []misplaced{
	{"moved away", func(t *testing.T, db, aside string) { rename(t, db, aside) }, putBack},
	{"another file over it", func(t *testing.T, db, aside string) {
		link(t, db, aside)
		other := newHomeIn(t, t.TempDir())
		other.serve().stop()
		rename(t, other.db(), db)
	}, putBack},
	{"deleted", func(t *testing.T, db, aside string) {
		link(t, db, aside) // or nobody could see what it held
		remove(t, db)
	}, putBack},
	{"its WAL deleted", func(t *testing.T, db, _ string) { remove(t, db+"-wal") }, func(*testing.T, string, string) {}},
}

func putBack(t *testing.T, db, aside string) { rename(t, aside, db) }

// Somebody moves, replaces or deletes the database while two processes write to
// it. From then on sends are refused, and say what to do, rather than written
// to a file that nobody will find; what was acknowledged before is in the file
// that was there.
func TestReplaced_underAServer(t *testing.T) {
	t.Parallel()
	n, r := rounds(t, len(misplacements)), chance()
	var all outcome
	refused := 0
	for round := range n {
		m := misplacements[round%len(misplacements)]
		t.Run(m.name, func(t *testing.T) {
			o, again := replaced(t, m, func() { moment(r, 50*time.Millisecond) })
			all.add(o)
			refused += again
		})
	}
	report(t, "a database moved, replaced or deleted meanwhile", n, all, "refused", refused)
}

func replaced(t *testing.T, m misplaced, wait func()) (o outcome, refused int) {
	const channel = "#replaced"
	h, l := newHome(t), newLedger(t)
	server, near := h.serve(), h.stdio()
	senders := []*insistent{
		l.insistent(overMCP(t, server.url), channel, "mcp", "was removed or replaced"),
		l.insistent(near, channel, "stdio", "was removed or replaced"),
	}
	c := begin(t)
	defer c.end()
	c.send(senders...)
	for _, s := range senders {
		s.goesOn(10)
	}
	wait()
	aside := filepath.Join(h.dir, "aside")
	m.strike(t, h.db(), aside)
	for _, s := range senders {
		if why := s.isRefused(3); !strings.Contains(why, "restart the bridge") {
			t.Errorf("%s was told %q, not to restart the bridge", s.name, why)
		}
	}
	c.end() // nothing more comes
	for _, s := range senders {
		met, _ := s.now()
		refused += met.refused
	}
	h.stopAll() // what an operator does when told to restart
	m.mend(t, h.db(), aside)
	server.again()
	again := l.insistent(overMCP(t, server.url), channel, "after the restart")
	c = begin(t)
	defer c.end()
	c.send(again)
	again.goesOn(3)
	reader := newReading(t, "a reader after the restart", channel)
	c.read(func(ctx context.Context) { reader.listen(ctx, overMCP(t, server.url)) })
	c.finish(l, reader)
	return verify(t, h, l, reader), refused
}

// add sums outcomes.
func (o *outcome) add(more outcome) {
	o.acknowledged += more.acknowledged
	o.delivered += more.delivered
	o.redelivered += more.redelivered
	o.lost += more.lost
	o.duplicated += more.duplicated
	o.disordered += more.disordered
	o.wrong += more.wrong
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Link(from, to); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
