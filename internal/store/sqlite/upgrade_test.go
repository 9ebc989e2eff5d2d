package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"

	"github.com/google/go-cmp/cmp"
)

// A file of version 1 is brought up to date with all that it holds.
func TestOpen_upgradesVersion1(t *testing.T) {
	path := newPath(t)
	first, err := os.ReadFile("migrate/0001_first.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	script := string(first) + fmt.Sprintf(`
		PRAGMA user_version = 1;
		PRAGMA application_id = %d;
		INSERT INTO channels (id, name, private, floor_seq, floor_nth) VALUES (1, '#build', 0, 2, 2), (2, 'conv_00000000000000aa', 1, 0, 0);
		INSERT INTO messages (seq, id, channel_id, nth, sent_at, sender, encoding, content) VALUES
			(1, 'x', 1, 1, 1, 'gone', 'legacy_text', 'cleared, not swept yet'),
			(2, 'y', 1, 2, 1, 'gone', 'legacy_text', 'cleared, not swept yet'),
			(3, 'z', 1, 3, 1, 'bob', 'legacy_text', 'one'),
			(4, 'u', 2, 1, 1, 'a', 'legacy_text', 'private'),
			(5, 'v', 1, 4, 1, 'alice', 'legacy_text', 'two');`, sqlite.ApplicationID)
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s := open(t, path, sqlite.Options{Alone: true})
	err = s.View(context.Background(), func(r store.Reader) error {
		for name, want := range map[agentbridge.ChannelName][]agentbridge.AgentName{"#build": {"alice", "bob"}, "conv_00000000000000aa": nil} {
			c, ok, err := r.Channel(name)
			if err != nil || !ok {
				return fmt.Errorf("Channel(%q): got %v, %v, want it", name, ok, err)
			}
			senders, err := r.Senders(c, 10)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(want, senders); diff != "" {
				t.Errorf("Senders(%q): -want +got\n%s", name, diff)
			}
			tally, err := r.Tally(c)
			if err != nil {
				return err
			}
			if c.Name == "#build" && (tally.Messages != 2 || c.Removed != 2 || c.Expired != 0) {
				t.Errorf("Tally(%q): got %+v of %+v, want 2 messages, 2 removed, none expired", name, tally, c)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
