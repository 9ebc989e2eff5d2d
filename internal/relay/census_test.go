package relay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
)

// populate makes channels of one message each.
func populate(t *testing.T, st store.Store, prefix string, n int) {
	t.Helper()
	err := st.Update(t.Context(), func(tx store.Tx) error {
		for i := range n {
			c, err := tx.OpenChannel(agentbridge.ChannelName(fmt.Sprintf("%s:%05d", prefix, i)), false)
			if err != nil {
				return err
			}
			at := time.Now().UTC().Truncate(time.Microsecond)
			m, err := tx.Append(c, agentbridge.Message{Sender: "bob", Content: "x", Encoding: agentbridge.LegacyText, At: at})
			if err != nil {
				return err
			}
			about := agentbridge.Metadata(fmt.Sprintf(`{"id":%q,"seq":%d,"bytes":1,"hash":""}`, m.ID, m.Seq))
			if err := tx.Log(agentbridge.Entry{At: at, Actor: "bob", Action: agentbridge.ActionSend, Target: c.Name, Detail: about}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// surveyed is a store that counts walks through the channels, and has them stop
// at the first channel for as long as a test likes.
type surveyed struct {
	store.Store
	walks, now atomic.Int64
	stop       chan struct{} // nil: they don't
}

func (s *surveyed) View(ctx context.Context, f func(store.Reader) error) error {
	return s.Store.View(ctx, func(v store.Reader) error { return f(surveyedReader{v, s}) })
}

type surveyedReader struct {
	store.Reader
	s *surveyed
}

func (v surveyedReader) Channels(after agentbridge.ChannelName, f func(store.Channel, store.Tally) (bool, error)) error {
	v.s.walks.Add(1)
	v.s.now.Add(1)
	defer v.s.now.Add(-1)
	if v.s.stop != nil {
		<-v.s.stop
	}
	return v.Reader.Channels(after, f)
}

// survey runs a bridge without limits on a store whose walks are counted.
func survey(t *testing.T) (*surveyed, *bridgetest.Bridge) {
	t.Helper()
	b := bridgetest.New(t)
	b.Relay.Close()
	s := &surveyed{Store: b.Store}
	r, err := relay.New(t.Context(), s, relay.Options{KeyFile: b.Dir + "/" + bridgetest.KeyFile, Limits: limit.Off()})
	if err != nil {
		t.Fatal(err)
	}
	b.Relay = r
	t.Cleanup(r.Close)
	return s, b
}

// What somebody sees who does not see all is counted exactly where that is
// quick, and else once a second, for each set of scopes.
func TestPing_counts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := survey(t)
		bob, eve := b.Agent("bob"), scoped(t, b, "eve", "read:eve:*")
		want := func(a *bridgetest.Agent, n, walks int64) {
			t.Helper()
			before := s.walks.Load()
			h, err := a.Ping(t.Context())
			if err != nil || h.Channels != n || h.Messages != n {
				t.Errorf("Ping() = %d channels with %d messages, %v; want %d", h.Channels, h.Messages, err, n)
			}
			if got := s.walks.Load() - before; got != walks {
				t.Errorf("Ping() walked %d times, want %d", got, walks)
			}
		}
		bob.MustSend("eve:1", "x")
		want(eve, 1, 1)
		bob.MustSend("eve:2", "x")
		want(eve, 2, 1)
		want(scoped(t, b, "blind", "send:*"), 0, 0)

		populate(t, b.Store, "other", 1100)
		want(eve, 2, 1)
		bob.MustSend("eve:3", "x")
		want(eve, 2, 0)
		list, err := eve.Channels(t.Context(), agentbridge.ChannelQuery{})
		if err != nil || list.TotalChannels != 2 || len(list.Channels) != 3 {
			t.Errorf("Channels() = %d of %d, %v; want those there are, and the total as it was counted last", len(list.Channels), list.TotalChannels, err)
		}
		want(scoped(t, b, "carol", "read:*:0000*"), 10, 1) // she is not told what eve sees
		want(bob, 1103, 0)
		time.Sleep(time.Second)
		want(eve, 3, 1)
	})
}

// Whoever has all channels looked through, as often and as much at once as he
// likes, keeps nobody from being let in, from reading or from being put out.
func TestSurvey_leavesReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := survey(t)
		alice := hire(t, b, "alice")
		bob, eve := b.Agent("bob"), scoped(t, b, "eve", "read:eve:*")
		bob.MustSend("eve:1", "x")
		s.stop = make(chan struct{})
		ctx, hangUp := context.WithCancel(t.Context())
		var walking sync.WaitGroup
		for i := range 90 {
			walking.Go(func() {
				var err error
				switch i % 3 {
				case 0:
					_, err = eve.Ping(ctx)
				case 1:
					_, err = eve.Channels(ctx, agentbridge.ChannelQuery{})
				case 2:
					_, err = eve.Overview(ctx, "", 1, 0)
				}
				if !errors.Is(err, context.Canceled) {
					t.Errorf("walk %d of somebody who hung up: %v", i, err)
				}
			})
		}
		synctest.Wait()
		if n := s.now.Load(); n != 2 {
			hangUp()
			close(s.stop)
			t.Fatalf("%d walk at once, want 2", n)
		}
		bob.WantRead("eve:1", "x")
		p, err := b.Authenticate(t.Context(), string(alice.Token))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Operator().RevokeAgent(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ended(t, p, agentbridge.Unauthenticated)

		hangUp() // those that wait give up, those that walk at the next channel
		synctest.Wait()
		close(s.stop)
		walking.Wait()
		if n := s.walks.Load(); n != 2 {
			t.Errorf("%d walked, want 2", n)
		}
	})
}

// A token is looked at although all readers are busy.
func TestAuthenticate_besideReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		alice := hire(t, b, "alice")
		stop := make(chan struct{})
		var reading sync.WaitGroup
		for range 100 {
			reading.Go(func() {
				_ = b.Store.View(context.Background(), func(store.Reader) error {
					<-stop
					return nil
				})
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		label := b.Agent("label")
		for range 2 { // met, and found again a look later
			if _, err := b.Authenticate(ctx, string(alice.Token)); err != nil {
				t.Error(err)
			}
			if _, err := b.Admit(ctx, "s", "carol", nil, nil, time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
			if _, err := label.Send(ctx, label.Draft("#build", "x")); err != nil { // compared with the names of agents
				t.Error(err)
			}
			time.Sleep(2 * time.Second)
		}
		close(stop)
		reading.Wait()
	})
}
