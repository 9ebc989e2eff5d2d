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

// The directory of a bridge and all that is in it becomes read-only while it
// runs. What it holds open it may go on with; what it can't do it says, and so
// does whoever comes new. When that is over everything goes on by itself.
func TestReadOnly_whileItRuns(t *testing.T) {
	t.Parallel()
	asNobody(t, readOnlyMeanwhile)
}

func readOnlyMeanwhile(t *testing.T) {
	const channel = "#readonly"
	h, l, r := newHome(t), newLedger(t), chance()
	t.Cleanup(func() { modes(t, h.dir, 0o755, 0o600) }) // or nobody could remove it
	server, near := h.serve(), h.stdio()
	senders := []*insistent{
		l.insistent(overMCP(t, server.url), channel, "mcp", "could not write to its database"),
		l.insistent(near, channel, "stdio", "could not write to its database"),
	}
	c := begin(t)
	defer c.end()
	c.send(senders...)
	listener := newReading(t, "a listener", channel)
	c.read(func(ctx context.Context) { listener.listen(ctx, overMCP(t, server.url)) })
	n := rounds(t, 1)
	for range n {
		for _, s := range senders {
			s.goesOn(5)
		}
		moment(r, 20*time.Millisecond)
		modes(t, h.dir, 0o555, 0o444)
		wantUnwritable(t, h)
		for _, s := range senders {
			s.isAnswered()
		}
		modes(t, h.dir, 0o755, 0o600)
	}
	for _, s := range senders {
		s.goesOn(5)
	}
	c.finish(l, listener)
	report(t, "a directory made read-only meanwhile", n, verify(t, h, l, listener))
}

// modes changes those of a directory and its files.
func modes(t *testing.T, dir string, ofDir, ofFiles os.FileMode) {
	t.Helper()
	if err := os.Chmod(dir, 0o755); err != nil { // or its files can't be reached
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Chmod(f, ofFiles); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, ofDir); err != nil {
		t.Fatal(err)
	}
}

// wantUnwritable checks that whatever would write here does not start, and says
// why in one line.
func wantUnwritable(t *testing.T, h *home) {
	t.Helper()
	for _, args := range [][]string{{"serve", "--port", "0"}, {"stdio"}, {"send", "#readonly", "hello"}} {
		code, _, said := h.run(args...)
		if code != 1 || strings.Count(said, "\n") != 1 || !strings.Contains(said, "database "+h.db()) {
			t.Errorf("agentbridge %s in a directory that can't be written to: exit code %d, %q; want 1, and one line about the database", args[0], code, said)
		}
	}
}
