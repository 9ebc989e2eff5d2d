package relay_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
)

const day = 24 * time.Hour

func TestRetention_removesWhatIsOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Open(t, t.TempDir(), relay.Options{Retention: 3 * day, RetentionSweep: time.Hour})
		alice, bob := b.Agent("alice"), b.Agent("bob")
		first := alice.MustSend("#build", "day 0")
		alice.MustSend("#only-old", "day 0")
		bob.MustAck("#build", first.ID)
		time.Sleep(2 * day)
		alice.MustSend("#build", "day 2")
		feed, err := bob.Follow(t.Context(), "#build", agentbridge.Position(first.ID))
		if err != nil {
			t.Fatal(err)
		}
		defer feed.Close()

		time.Sleep(day - time.Minute)
		bridgetest.WantTexts(t, "Read() just before", alice.MustRead(agentbridge.ReadRequest{Channel: "#build"}).Messages, "day 0", "day 2")
		time.Sleep(2 * time.Hour)
		bridgetest.WantTexts(t, "Read() after", alice.MustRead(agentbridge.ReadRequest{Channel: "#build"}).Messages, "day 2")
		if list, err := alice.Channels(t.Context(), agentbridge.ChannelQuery{}); err != nil || len(list.Channels) != 1 || list.TotalMessages != 1 {
			t.Errorf("Channels() = %+v, %v; want #build with one message", list, err)
		}
		page := bob.MustRead(agentbridge.ReadRequest{Channel: "#build", Consumer: "bob"})
		bridgetest.WantTexts(t, "Read() as bob", page.Messages, "day 2")
		if page.Gap {
			t.Error("Read() as bob tells of a gap; what expired had been acknowledged")
		}
		wantEvents(t, feed, "expired 1", "message day 2")
		audit, err := alice.Entries(t.Context(), agentbridge.EntryQuery{})
		if err != nil || len(audit.Entries) == 0 || audit.Entries[0].Action != agentbridge.ActionExpire {
			t.Errorf("Entries() = %+v, %v; want the expiry first", audit, err)
		}

		time.Sleep(3 * day) // nobody acknowledged the second
		alice.MustSend("#build", "day 6")
		page = bob.MustRead(agentbridge.ReadRequest{Channel: "#build", Consumer: "bob"})
		bridgetest.WantTexts(t, "Read() as bob", page.Messages, "day 6")
		if !page.Gap {
			t.Error("Read() as bob tells of no gap; a message expired unread")
		}
		if page := bob.MustRead(agentbridge.ReadRequest{Channel: "#build", Consumer: "carol"}); page.Gap {
			t.Error("Read() as somebody new tells of a gap")
		}
		wantEvents(t, feed, "expired 1", "message day 6")
	})
}

func TestRetention_atStart(t *testing.T) { // what outlived it while nothing ran
	synctest.Test(t, func(t *testing.T) {
		one := bridgetest.New(t)
		alice := one.Agent("alice")
		sendMany(t, alice, 700, func(i int) agentbridge.Draft { // more than a batch of the sweeper
			return alice.Draft("#build", fmt.Sprint(i))
		})
		creator, partner := one.Pair("role_a", "role_b")
		creator.MustSend("between us")
		one.Close()
		time.Sleep(2 * day)

		two := bridgetest.Open(t, one.Dir, relay.Options{Retention: day})
		synctest.Wait()
		if h, err := two.Session().Ping(t.Context()); err != nil || h.Messages != 0 || h.Channels != 0 {
			t.Errorf("Ping() = %+v, %v; want nothing left", h, err)
		}
		ops := relay.NewOperator(two.Store, "")
		if _, lines, err := ops.Conversation(t.Context(), partner.Credential.Conversation); err != nil || len(lines) != 1 {
			t.Errorf("Conversation() = %d messages, %v; a conversation ends by its own time", len(lines), err)
		}
	})
}

// wantEvents reads from a feed until as many events came.
func wantEvents(t *testing.T, feed agentbridge.Feed, want ...string) {
	t.Helper()
	var got []string
	for len(got) < len(want) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		batch, err := feed.Next(ctx)
		cancel()
		if err != nil {
			t.Fatalf("Next() = %v behind %q, want %q", err, got, want)
		}
		for _, e := range batch.Events {
			switch e.Kind {
			case agentbridge.EventMessage:
				got = append(got, "message "+e.Message.Content)
			case agentbridge.EventCleared, agentbridge.EventExpired:
				got = append(got, fmt.Sprint(e.Kind, " ", e.Removed))
			default:
				got = append(got, string(e.Kind))
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

func wantQuiet(t *testing.T, feed agentbridge.Feed) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if batch, err := feed.Next(ctx); ctx.Err() == nil {
		t.Errorf("Next() = %+v, %v; want nothing for a minute", batch, err)
	}
}
