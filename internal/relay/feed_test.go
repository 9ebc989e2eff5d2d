package relay_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
)

func TestWatch_positionTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Open(t, t.TempDir(), relay.Options{EventAge: 7 * day})
		alice := b.Agent("alice")
		alice.MustSend("#build", "first")
		feed, err := alice.Watch(t.Context(), nil, "0")
		if err != nil {
			t.Fatal(err)
		}
		defer feed.Close()
		wantEvents(t, feed, "message first")
		seen := feed.Position()

		alice.MustSend("#build", "second")
		time.Sleep(7*day - time.Minute)
		again, err := alice.Watch(t.Context(), nil, seen)
		if err != nil {
			t.Fatal(err)
		}
		wantEvents(t, again, "message second")
		again.Close()

		time.Sleep(2 * time.Minute)
		late, err := alice.Watch(t.Context(), nil, seen)
		if err != nil {
			t.Fatal(err)
		}
		defer late.Close()
		wantEvents(t, late, "reset")
		alice.MustSend("#build", "third")
		wantEvents(t, late, "message third")
		uptodate, err := alice.Watch(t.Context(), nil, late.Position()) // old, but nothing was missed
		if err != nil {
			t.Fatal(err)
		}
		defer uptodate.Close()
		time.Sleep(8 * day)
		wantQuiet(t, uptodate)
	})
}

func TestWatch_largeMessagesComeInParts(t *testing.T) {
	alice := bridgetest.New(t).Agent("alice")
	feed, err := alice.Watch(t.Context(), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	for i := range 5 {
		alice.MustSend(agentbridge.ChannelName(fmt.Sprint("#", i)), strings.Repeat("x", agentbridge.MaxContent))
	}
	for i := 0; i < 5; {
		batch, err := feed.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(batch.Events) > 2 || batch.More != (i+len(batch.Events) < 5) {
			t.Errorf("Next() behind %d = %d events of 128 KiB, more %v", i, len(batch.Events), batch.More)
		}
		for _, e := range batch.Events {
			if want := agentbridge.ChannelName(fmt.Sprint("#", i)); e.Channel != want {
				t.Errorf("event %d is of %s, want %s", i, e.Channel, want)
			}
			i++
		}
	}
}

func TestFeed_endsWithTheBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		s := b.Session()
		follow, err := s.Follow(t.Context(), "#build", "")
		if err != nil {
			t.Fatal(err)
		}
		watch, err := s.Watch(t.Context(), nil, "")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		for _, feed := range []agentbridge.Feed{follow, watch} {
			go func() {
				_, err := feed.Next(t.Context())
				ended <- err
			}()
		}
		synctest.Wait()
		b.Relay.Close()
		for range 2 {
			bridgetest.WantErr(t, agentbridge.Closed, <-ended)
		}
	})
}

func TestWatch_refusesWhatIsNoPosition(t *testing.T) {
	s := bridgetest.New(t).Session()
	for _, p := range []agentbridge.Position{"x", "-1", "1.5", "99999999999999999999", agentbridge.Position(agentbridge.Mark(1))} {
		_, err := s.Watch(t.Context(), nil, p)
		bridgetest.WantErr(t, agentbridge.InvalidFormat, err)
	}
}

// A conversation is not followed, watched or listed by anybody, whatever name a
// face lets through.
func TestFeeds_showNoConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		eve := b.Agent("eve")
		creator, _ := b.Pair("role_a", "role_b")
		private := creator.Credential.Conversation.Channel()
		_, err := eve.Follow(t.Context(), private, agentbridge.Position(agentbridge.Mark(0)))
		bridgetest.WantErr(t, agentbridge.Forbidden, err)
		_, err = eve.Watch(t.Context(), []agentbridge.ChannelName{"#eve", private}, "0")
		bridgetest.WantErr(t, agentbridge.Forbidden, err)
		all, err := eve.Watch(t.Context(), nil, "0")
		if err != nil {
			t.Fatal(err)
		}
		sent := creator.MustSend("between us")
		wantQuiet(t, all)
		all.Close()
		_, err = eve.Message(t.Context(), sent.ID)
		bridgetest.WantErr(t, agentbridge.NotFound, err)
		entries, err := eve.Entries(t.Context(), agentbridge.EntryQuery{})
		if err != nil || len(entries.Entries) != 0 {
			t.Errorf("Entries() = %+v, %v; want none of the conversation", entries, err)
		}
	})
}

func TestSend_limit(t *testing.T) {
	alice := bridgetest.Open(t, t.TempDir(), relay.Options{MaxMessage: 10}).Agent("alice")
	alice.MustSend("#build", "ten bytes!")
	_, err := alice.Send(t.Context(), alice.Draft("#build", "eleven byte"))
	bridgetest.WantErr(t, agentbridge.TooLarge, err)
	bridgetest.WantTexts(t, "Read()", alice.MustRead(agentbridge.ReadRequest{Channel: "#build"}).Messages, "ten bytes!")
}

func TestNoteRefusal_isBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		s := b.Session()
		note := func(address string) {
			b.NoteRefusal(agentbridge.Refusal{Action: agentbridge.ActionAuthFailure, Address: address, Path: "/api/send" + strings.Repeat("x", 5000)})
			synctest.Wait()
		}
		written := func() int {
			list, err := s.Entries(t.Context(), agentbridge.EntryQuery{Limit: agentbridge.MaxEntries})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list.Entries {
				if len(e.Detail) > 1000 || !strings.Contains(string(e.Detail), `"ip":"192.0.2.`) {
					t.Errorf("Entries() has detail %s, want a short one with the address", e.Detail)
				}
			}
			return len(list.Entries)
		}
		for range 50 {
			note("192.0.2.1")
		}
		if n := written(); n != 1 {
			t.Errorf("50 refusals of one address: %d written, want 1", n)
		}
		for i := range 300 {
			note(fmt.Sprint("192.0.2.", i+2))
		}
		if n := written(); n != 100 {
			t.Errorf("refusals of 301 addresses in a minute: %d written, want 100", n)
		}
		time.Sleep(time.Minute)
		note("192.0.2.1")
		if n := written(); n != 101 {
			t.Errorf("and a minute later: %d written, want 101", n)
		}
		b.Relay.Close()
		b.NoteRefusal(agentbridge.Refusal{Action: agentbridge.ActionAuthFailure, Address: "192.0.2.9"}) // must not block or fail
	})
}
