package sqlite_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/store/storetest"
)

// The engine's tests live in a bubble where an hour costs nothing. A store
// must not keep the bubble's clock from moving.
func TestAlone_worksInABubble(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := sqlite.Open(path, sqlite.Options{Alone: true})
		if err != nil {
			t.Fatal(err)
		}
		rang := make(chan agentbridge.ChannelName, 100)
		s.OnCommit(func(topics []agentbridge.ChannelName) {
			for _, topic := range topics {
				rang <- topic
			}
		})
		start := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { mustPost(t, s, "#build", strings.Repeat("x", 100_000)) })
		}
		wg.Wait()
		<-rang
		time.Sleep(time.Hour)
		mustPost(t, s, "#build", "an hour later")
		if took := time.Since(start); took < time.Hour || took > time.Hour+time.Minute {
			t.Errorf("the bubble's clock: got %v, want an hour", took)
		}
		if got := tally(t, s, "#build"); got != 21 {
			t.Errorf("Tally: got %d, want 21", got)
		}
		storetest.Check(t, s)
		if err := s.Close(); err != nil {
			t.Errorf("Close: got %v, want no error", err)
		}
	})
}

// Two stores in one process are two processes to SQLite, except that closing
// one must not drop the locks of the other.
func TestTwoStores_closingOneLeavesTheOther(t *testing.T) {
	path := newPath(t)
	s := open(t, path, sqlite.Options{})
	for range 10 {
		second, err := sqlite.Open(path, sqlite.Options{})
		if err != nil {
			t.Fatalf("second Open: got %v, want a store", err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { mustPost(t, s, "#build", "first") })
			wg.Go(func() { mustPost(t, second, "#build", "second") })
		}
		wg.Wait()
		if err := second.Close(); err != nil {
			t.Errorf("Close of the second: got %v, want no error", err)
		}
	}
	if got := tally(t, s, "#build"); got != 80 {
		t.Errorf("Tally: got %d, want 80", got)
	}
	storetest.Check(t, s)
}
