//go:build unix

package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/store/storetest"
)

// logChild appends entries one by one: <path> <how many>. Every seventh
// transaction fails after it appended one.
func logChild(args []string) error {
	s, err := sqlite.Open(args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	entries, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	actor := agentbridge.AgentName(strconv.Itoa(os.Getpid()))
	fmt.Println("ready")
	heard()
	for i := range entries {
		e := agentbridge.Entry{At: time.Now(), Actor: actor, Action: agentbridge.ActionSend, Target: "#log", Detail: agentbridge.Metadata(strconv.Itoa(i))}
		if i%7 == 0 {
			if err := s.Update(context.Background(), func(t store.Tx) error { return fmt.Errorf("undone: %w", t.Log(e)) }); err == nil {
				return fmt.Errorf("Update that fails: got no error, want one")
			}
		}
		if err := s.Update(context.Background(), func(t store.Tx) error { return t.Log(e) }); err != nil {
			return err
		}
	}
	return s.Close()
}

// Processes that append to one log at once make one log: no entry is missing,
// none is there twice, and the tree is that of all of them.
func TestProcesses_makeOneLog(t *testing.T) {
	t.Parallel()
	const processes = 4
	entries := 300
	if long {
		entries = 5000
	}
	path := newPath(t)
	var crowd []*child
	for range processes {
		crowd = append(crowd, spawn(t, "log", path, strconv.Itoa(entries)))
	}
	for _, c := range crowd {
		c.expect("ready")
	}
	for _, c := range crowd {
		c.tell("go")
	}
	for _, c := range crowd {
		c.end()
	}
	s := open(t, path, sqlite.Options{})
	storetest.Check(t, s)
	next := map[agentbridge.AgentName]int{}
	if err := s.View(t.Context(), func(r store.Reader) error {
		report, err := audit.Verify(t.Context(), r, audit.Options{})
		if err != nil || len(report.Faults) > 0 || report.Size != int64(processes*entries) {
			t.Errorf("Verify: got %+v, %v, want %d entries without a fault", report, err, processes*entries)
		}
		return r.WalkEntries(0, func(e agentbridge.Entry, _ []byte) (bool, error) {
			if got := string(e.Detail); got != strconv.Itoa(next[e.Actor]) {
				t.Errorf("entry %d of process %s: got its number %s, want %d", e.Seq, e.Actor, got, next[e.Actor])
			}
			next[e.Actor]++
			return true, nil
		})
	}); err != nil {
		t.Error(err)
	}
	if len(next) != processes {
		t.Errorf("processes in the log: got %v, want %d", next, processes)
	}
}
