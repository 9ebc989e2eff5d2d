//go:build unix

package sqlite_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge/internal/store/sqlite"
)

// A server whose disk was full when it encrypted what was there tries again when
// there is room. Who opens the database for a moment only never tries.
func TestReseal_triesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := newPath(t)
		mustPost(t, open(t, path, sqlite.Options{Alone: true}), "#build", secretText)
		run(t, path, "CREATE TRIGGER no_room BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'no room'); END")

		opts := encrypted(path)
		opts.Alone, opts.Logger = true, slog.New(slog.DiscardHandler)
		server := open(t, path, opts)
		opts.Reseal = false
		passer := open(t, path, opts)
		time.Sleep(time.Hour)
		if e := encryption(t, server); !e.Unfinished || e.Messages[""] != 1 {
			t.Errorf("Encryption without room: got %+v, want one message in clear", e)
		}
		run(t, path, "DROP TRIGGER no_room")
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(24 * time.Hour)
		if e := encryption(t, passer); !e.Unfinished || e.Messages[""] != 1 {
			t.Errorf("Encryption without a server: got %+v, want one message in clear", e)
		}

		run(t, path, "CREATE TRIGGER no_room BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'no room'); END")
		opts.Reseal = true
		again := open(t, path, opts)
		time.Sleep(time.Second) // its first try
		run(t, path, "DROP TRIGGER no_room")
		time.Sleep(5 * time.Minute)
		if e := encryption(t, again); e.Unfinished || e.Messages[e.Key] != 1 {
			t.Errorf("Encryption five minutes after there is room: got %+v, want it done", e)
		}
	})
}

// A database that could not be marked as encrypted is in clear as before, and the
// process that tried goes on with it.
func TestUseKey_whoseCommitFails(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ring := ringOf(path)
	s := open(t, path, sqlite.Options{Sealer: ring})
	mustPost(t, s, "#build", "before")
	run(t, path,
		"CREATE TABLE owed (setting TEXT REFERENCES settings (name) DEFERRABLE INITIALLY DEFERRED)",
		"CREATE TRIGGER owe AFTER INSERT ON settings WHEN new.name = 'encryption' BEGIN INSERT INTO owed VALUES ('nobody'); END")
	use := func() error {
		return s.UseKey(context.Background(), func(string) (string, error) {
			err := ring.Create()
			return ring.KeyID(), err
		})
	}
	if err := use(); err == nil {
		t.Fatal("UseKey whose commit fails: got no error, want one")
	}
	mustPost(t, s, "#build", "after")
	if e := encryption(t, s); e.Key != "" || e.Messages[""] != 2 {
		t.Errorf("Encryption: got %+v, want two messages in clear", e)
	}
	run(t, path, "DROP TRIGGER owe")
	if err := use(); err != nil {
		t.Errorf("UseKey: got %v, want no error", err)
	}
	mustPost(t, s, "#build", "encrypted")
	if e := encryption(t, s); e.Key == "" || e.Messages[e.Key] != 1 {
		t.Errorf("Encryption: got %+v, want one message with its key", e)
	}
}
