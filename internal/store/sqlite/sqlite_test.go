package sqlite_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/store/storetest"
)

// open opens the database at path until t ends.
func open(t testing.TB, path string, opts sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, opts)
	if err != nil {
		t.Fatalf("Open(%s): got %v, want a store", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close(%s): got %v, want no error", path, err)
		}
	})
	return s
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "bridge.db") }

// post stores a message with its audit entry, as the engine does.
func post(s *sqlite.Store, name agentbridge.ChannelName, text string) (m agentbridge.Message, err error) {
	now := time.Now()
	err = s.Update(context.Background(), func(t store.Tx) error {
		c, err := t.OpenChannel(name, false)
		if err != nil {
			return err
		}
		if m, err = t.Append(c, agentbridge.Message{Sender: "test", Content: text, Encoding: agentbridge.LegacyText, At: now}); err != nil {
			return err
		}
		return t.Log(agentbridge.Entry{At: now, Actor: "test", Action: agentbridge.ActionSend, Target: name})
	})
	return m, err
}

func mustPost(t testing.TB, s *sqlite.Store, name agentbridge.ChannelName, text string) agentbridge.Message {
	t.Helper()
	m, err := post(s, name, text)
	if err != nil {
		t.Fatalf("post to %s: got %v, want no error", name, err)
	}
	return m
}

// tally is how many messages a channel holds.
func tally(t testing.TB, s *sqlite.Store, name agentbridge.ChannelName) (n int64) {
	t.Helper()
	err := s.View(context.Background(), func(r store.Reader) error {
		c, _, err := r.Channel(name)
		if err != nil {
			return err
		}
		held, err := r.Tally(c)
		n = held.Messages
		return err
	})
	if err != nil {
		t.Fatalf("Tally(%s): got %v, want a number", name, err)
	}
	return n
}

func TestStore(t *testing.T) {
	var paths sync.Map            // *testing.T → its database
	var mu sync.Mutex             // guards prepared
	prepared := map[string]bool{} // all statements that the suite has used
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			path, _ := paths.LoadOrStore(t, newPath(t))
			s := open(t, path.(string), sqlite.Options{})
			t.Cleanup(func() {
				mu.Lock()
				defer mu.Unlock()
				s.Statements(prepared)
			})
			return s
		})
	})
	t.Run("plans", func(t *testing.T) { testPlans(t, prepared) })
}
