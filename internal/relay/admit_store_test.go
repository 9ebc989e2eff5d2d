package relay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
)

// watched is a store in which one can see buckets being read, have them come
// from another time, and have messages fail.
type watched struct {
	store.Store
	reads  int
	broken bool   // Append fails
	state  []byte // what an untouched bucket holds
}

type watchedTx struct {
	store.Tx
	w *watched
}

var errDisk = errors.New("disk on fire")

func (w *watched) Update(ctx context.Context, f func(store.Tx) error) error {
	return w.Store.Update(ctx, func(t store.Tx) error { return f(watchedTx{t, w}) })
}

func (t watchedTx) Bucket(key string) ([]byte, error) {
	t.w.reads++
	state, err := t.Tx.Bucket(key)
	if state == nil {
		state = t.w.state
	}
	return state, err
}

func (t watchedTx) Append(c store.Channel, m agentbridge.Message) (agentbridge.Message, error) {
	if t.w.broken {
		return m, errDisk
	}
	return t.Tx.Append(c, m)
}

// watch runs a bridge on a store that is watched.
func watch(t *testing.T, table limit.Table) (*watched, *bridgetest.Bridge) {
	t.Helper()
	b := bridgetest.New(t)
	w := &watched{Store: b.Store}
	r, err := relay.New(t.Context(), w, relay.Options{Limits: table, KeyFile: b.Dir + "/" + bridgetest.KeyFile})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	b.Relay.Close()
	b.Relay = r
	return w, b
}

// What fails is not charged, whether it was paid in advance or not.
func TestLimits_failuresAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := watch(t, limits(t, "channel=600/d", "conversation=10/d"))
		a, _ := b.Pair("backend_developer", "frontend_developer")
		send := channelSend(t, b, "alice")
		for range 100 {
			if err := send(); err != nil {
				t.Fatal(err)
			}
		}
		w.broken = true
		for range 300 {
			if err := send(); !errors.Is(err, errDisk) {
				t.Fatalf("Send() on a broken disk = %v", err)
			}
			if err := seatSend(t, a, "hello"); !errors.Is(err, errDisk) {
				t.Fatalf("Send() to the partner on a broken disk = %v", err)
			}
		}
		w.broken = false
		if n, _ := drain(t, send); n < 490 || n > 500 { // a lease may get lost
			t.Errorf("%d sends after 100 and 300 failures, want 490 to 500", n)
		}
		if n, _ := drain(t, func() error { return seatSend(t, a, "hello") }); n != 10 {
			t.Errorf("%d sends to the partner after 300 failures, want 10", n)
		}
	})
}

// The clock is set back by a year. The bucket knows a time that will not come
// for long; nobody waits for that.
func TestLimits_clockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := limits(t, "conversation=10/m")
		w, b := watch(t, table)
		a, _ := b.Pair("backend_developer", "frontend_developer")
		later := time.Now().Add(365 * 24 * time.Hour)
		empty, _, _ := table[limit.Conversation].Take(limit.Bucket{}, later, 10)
		w.state = empty.Encode()
		wait := wantLimited(t, "after the clock was set back", seatSend(t, a, "hello"))
		if wait != 6*time.Second {
			t.Errorf("wait = %v, want 6s", wait)
		}
		time.Sleep(wait)
		a.MustSend("hello")
		wantLimited(t, "the second", seatSend(t, a, "hello"))
		time.Sleep(time.Minute)
		if n, _ := drain(t, func() error { return seatSend(t, a, "hello") }); n != 10 {
			t.Errorf("%d sends a minute later, want 10", n)
		}
	})
}

// A sender on channels reads its bucket now and then, one without limits never,
// and who is refused does not bother the store again.
func TestLimits_readsOfBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name     string
			table    limit.Table
			sends    int
			min, max int
		}{
			{"default", nil, 400, 5, 20},
			{"off", limit.Off(), 400, 0, 0},
			{"off for one class", limits(t, "conversation=10/m"), 400, 0, 0},
			{"refused", limits(t, "channel=3/d"), 400, 4, 4},
		} {
			w, b := watch(t, c.table)
			send := channelSend(t, b, "alice")
			for range c.sends {
				_ = send()
			}
			if w.reads < c.min || w.reads > c.max {
				t.Errorf("%s: %d reads for %d sends, want %d to %d", c.name, w.reads, c.sends, c.min, c.max)
			}
		}
	})
}
