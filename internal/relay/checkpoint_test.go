package relay_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/audit"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"

	"github.com/google/go-cmp/cmp"
)

// sizes are those of the checkpoints in the store.
func sizes(t *testing.T, b *bridgetest.Bridge) (list []int64) {
	t.Helper()
	err := b.Store.View(t.Context(), func(v store.Reader) error {
		return v.Checkpoints(func(c agentbridge.Checkpoint) (bool, error) {
			list = append(list, c.Size)
			return true, nil
		})
	})
	if err != nil {
		t.Fatalf("Checkpoints() = %v", err)
	}
	return list
}

func wantSizes(t *testing.T, b *bridgetest.Bridge, what string, want ...int64) {
	t.Helper()
	if diff := cmp.Diff(want, sizes(t, b)); diff != "" {
		t.Errorf("checkpoints %s: -want +got\n%s", what, diff)
	}
}

// kept are the checkpoints in the file beside the database.
func kept(t *testing.T, b *bridgetest.Bridge) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(b.Dir, bridgetest.Checkpoints))
	if err != nil {
		t.Fatal(err)
	}
	notes, rest := audit.SplitNotes(string(raw))
	if rest != "" {
		t.Errorf("behind the checkpoints beside the database stands %q", rest)
	}
	return notes
}

// write adds entries to the log without a bridge that would sign them.
func write(t *testing.T, b *bridgetest.Bridge, entries int) {
	t.Helper()
	err := b.Store.Update(t.Context(), func(tx store.Tx) error {
		for range entries {
			if err := tx.Log(agentbridge.Entry{At: time.Now(), Actor: "operator", Action: agentbridge.ActionCleanup}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckpoint_when(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Unlimited(t)
		time.Sleep(time.Hour)
		wantSizes(t, b, "of nothing")

		alice := b.Agent("alice")
		alice.MustSend("#c", "one")
		time.Sleep(59 * time.Second)
		wantSizes(t, b, "within the minute")
		time.Sleep(2 * time.Second)
		wantSizes(t, b, "after a minute", 1)
		time.Sleep(time.Hour)
		wantSizes(t, b, "with nothing new", 1)

		for range 255 {
			alice.MustSend("#c", "x")
		}
		synctest.Wait()
		wantSizes(t, b, "of fewer than 256 entries", 1)
		alice.MustSend("#c", "x")
		synctest.Wait()
		wantSizes(t, b, "of 256 entries", 1, 257)

		alice.MustSend("#c", "last")
		dir := b.Dir
		b.Relay.Close()
		wantSizes(t, b, "after the end", 1, 257, 258)
		if n := len(kept(t, b)); n != 3 {
			t.Errorf("%d checkpoints are kept beside the database, want 3", n)
		}
		if info, err := os.Stat(filepath.Join(dir, bridgetest.Checkpoints)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("their file has mode %v, %v; want 0600", info.Mode(), err)
		}

		write(t, b, 2) // as somebody leaves them who is killed
		b.Close()
		b = bridgetest.Open(t, dir, relay.Options{})
		synctest.Wait()
		wantSizes(t, b, "at the next start", 1, 257, 258, 260)
	})
}

// What was handed out is the last one that was made, and holds later.
func TestCheckpoint_isHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		alice := b.Agent("alice")
		health, err := alice.Ping(t.Context())
		if err != nil || health.Checkpoint != (agentbridge.Checkpoint{}) {
			t.Errorf("Ping() before anything happened = %+v, %v; want no checkpoint", health, err)
		}
		alice.MustSend("#c", "one")
		time.Sleep(2 * time.Minute)
		alice.MustSend("#c", "two")
		health, err = alice.Ping(t.Context())
		if err != nil || health.Checkpoint.Size != 1 {
			t.Fatalf("Ping() = %+v, %v; want the checkpoint of one entry", health, err)
		}
		report, err := b.Audit.Verify(t.Context(), relay.AuditCheck{Outside: []string{health.Checkpoint.Note}})
		if err != nil || !report.Anchored || report.AnchoredTo != 1 || report.Size != 2 || report.Compared != 2 {
			t.Errorf("Verify() against it = %+v, %v", report, err)
		}
	})
}

// Two processes write and sign at once. Each signs what is there, and neither
// signs what the other one has just signed.
func TestCheckpoint_byTwo(t *testing.T) {
	dir := t.TempDir()
	var bridges []*bridgetest.Bridge
	for range 2 {
		bridges = append(bridges, bridgetest.Open(t, dir, relay.Options{Limits: limit.Off()}))
	}
	var agents sync.WaitGroup
	for i, b := range bridges {
		alice := b.Agent(agentbridge.AgentName(fmt.Sprint("alice", i)))
		agents.Go(func() {
			for range 300 {
				if _, err := alice.Send(t.Context(), alice.Draft("#c", "x")); err != nil {
					t.Errorf("Send() = %v", err)
				}
			}
		})
	}
	agents.Wait()
	for _, b := range bridges {
		b.Relay.Close()
	}
	list := sizes(t, bridges[0])
	if len(list) == 0 || list[len(list)-1] != 600 {
		t.Errorf("checkpoints are of %v entries; want the last of 600", list)
	}
	if len(list) > 8 {
		t.Errorf("600 entries were signed %d times: %v", len(list), list)
	}
	report, err := bridges[1].Audit.Verify(t.Context(), relay.AuditCheck{Outside: kept(t, bridges[0])})
	if err != nil || !report.Anchored || report.Checkpoints != len(list) {
		t.Errorf("Verify() = %+v, %v", report, err)
	}
}

// The file beside the database can't be written. Messages matter more.
func TestCheckpoint_sidecarFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, bridgetest.Checkpoints), 0o700); err != nil {
			t.Fatal(err)
		}
		p := &patient{T: t, dir: dir}
		p.start()
		synctest.Wait() // it has looked
		p.send("one")
		time.Sleep(2 * time.Minute)
		p.send("two")
		p.stop()
		if n := strings.Count(p.log.String(), "level=ERROR"); n != 3 { // it can't be read either
			t.Errorf("%d errors were logged, want 3:\n%s", n, p.log.String())
		}
		wantSizes(t, bridgetest.Open(t, dir, relay.Options{}), "in the database", 1, 2)
	})
}

// Somebody rolls the log back under a running bridge, or before it starts. The
// bridge has signed what is gone, and must not sign something else in its place.
func TestCheckpoint_signsOneHistory(t *testing.T) {
	const cut = "DELETE FROM audit WHERE seq > 1; DELETE FROM checkpoints WHERE size > 1; DELETE FROM messages WHERE seq > 1"
	for _, c := range []struct {
		what, attack string
		restart      bool
		want         string
	}{
		{"the end is cut off", cut, false, "the first 2 entries are not those that were signed"}, // another one stands in its place by then
		{"the end is cut off before a start", cut, true, "2 entries were signed, and there are 1"},
		{"hashes are edited", "UPDATE audit SET hashes = zeroblob(64) WHERE seq = 2", false, "the first 2 entries are not those that were signed"},
		{"a checkpoint is forged", "INSERT INTO checkpoints SELECT 3, note FROM checkpoints WHERE size = 2", true, "it is of 2 entries"},
		{"a checkpoint is damaged", "UPDATE checkpoints SET note = 'x', size = 30 WHERE size = 2", true, "the checkpoint of 30 entries"},
		{"another key is named", "UPDATE settings SET value = value || char(10) || value || 'x' WHERE name = 'audit_verifier'", false, "another key now"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &patient{T: t, dir: t.TempDir()}
			p.start()
			p.send("one")
			p.stop()
			p.start()
			p.send("two")
			time.Sleep(2 * time.Minute)
			if c.restart {
				p.stop()
			}
			edit(t, p.dir, c.attack)
			before := len(p.signed())
			if c.restart {
				p.start()
				synctest.Wait() // it has looked
			}
			p.send("three")
			time.Sleep(2 * time.Minute)
			p.send("four")
			p.stop()
			if got := strings.Count(p.log.String(), "not the one that was signed before"); got != 1 || !strings.Contains(p.log.String(), c.want) {
				t.Errorf("%s: the log says so %d times, want once, with %q:\n%s", c.what, got, c.want, p.log.String())
			}
			if after := len(p.signed()); after != before {
				t.Errorf("%s: there were %d checkpoints beside the database and are %d", c.what, before, after)
			}
		})
	}
}

// patient is a bridge to which bad things are done: nobody checks what it leaves.
type patient struct {
	*testing.T
	dir   string
	log   bytes.Buffer // of all its runs; one at a time writes
	mu    sync.Mutex
	store *sqlite.Store
	relay *relay.Relay
}

func (p *patient) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *patient) start() {
	p.Helper()
	log := slog.New(slog.NewTextHandler(p, nil))
	var err error
	if p.store, err = sqlite.Open(filepath.Join(p.dir, bridgetest.Database), sqlite.Options{Alone: true, Logger: log}); err != nil {
		p.Fatal(err)
	}
	if p.relay, err = relay.New(p.Context(), p.store, relay.Options{
		KeyFile: filepath.Join(p.dir, bridgetest.KeyFile), AuditKeyFile: filepath.Join(p.dir, bridgetest.AuditKeyFile),
		CheckpointFile: filepath.Join(p.dir, bridgetest.Checkpoints), Logger: log}); err != nil {
		p.Fatal(err)
	}
}

func (p *patient) stop() {
	p.Helper()
	p.relay.Close()
	if err := p.store.Close(); err != nil {
		p.Error(err)
	}
}

func (p *patient) send(text string) {
	p.Helper()
	s, err := p.relay.Open(p.Context(), agentbridge.Local())
	if err != nil {
		p.Fatal(err)
	}
	bridgetest.NewAgent(p.T, s, "alice").MustSend("#c", text)
}

// signed are the checkpoints beside the database.
func (p *patient) signed() []string {
	p.Helper()
	raw, err := os.ReadFile(filepath.Join(p.dir, bridgetest.Checkpoints))
	if err != nil {
		p.Fatal(err)
	}
	notes, _ := audit.SplitNotes(string(raw))
	return notes
}

// edit does to a database what anybody with SQLite can.
func edit(t *testing.T, dir, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, bridgetest.Database))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(statement, args...)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
