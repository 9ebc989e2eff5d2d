package relay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
)

// pair runs a test with the two seats of a conversation in a bubble.
func pair(t *testing.T, test func(t *testing.T, a, b *bridgetest.Seat)) {
	synctest.Test(t, func(t *testing.T) {
		a, b := bridgetest.New(t).Pair("backend_developer", "frontend_developer")
		test(t, a, b)
	})
}

func TestCheck_replyOfUnknownFate(t *testing.T) { // the process that carried it died
	pair(t, func(t *testing.T, a, b *bridgetest.Seat) {
		sent := a.MustSend("one")
		b.WantTake("one")
		time.Sleep(agentbridge.OfferTime - time.Microsecond)
		b.WantCheck()
		if p := a.MustPartner(); p.Unread != 1 {
			t.Errorf("Partner().Unread = %d, want 1: nobody knows that it was read", p.Unread)
		}
		time.Sleep(time.Microsecond)
		d := b.WantTake("one")
		if m := d.Messages[0]; m.ID != sent.ID || !m.Redelivered {
			t.Errorf("Check() = %+v, want %s redelivered", m, sent.ID)
		}
		b.MustSettle(d, true)
		time.Sleep(2 * agentbridge.OfferTime)
		b.WantCheck()
	})
}

func TestCheck_afterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bridge := bridgetest.New(t)
		a, b := bridge.Pair("backend_developer", "frontend_developer")
		a.MustSend("one")
		b.WantTake("one")
		bridge.Close()

		bridge = bridgetest.Open(t, bridge.Dir, relay.Options{})
		b = bridge.MustSit(b.Credential)
		b.WantCheck()
		time.Sleep(agentbridge.OfferTime)
		b.WantCheck("one")
	})
}

// The first reply was slow, its messages were handed out a second time. What
// becomes of the first one then must not touch the second.
func TestSettle_late(t *testing.T) {
	for _, left := range []bool{true, false} {
		pair(t, func(t *testing.T, a, b *bridgetest.Seat) {
			a.MustSend("one")
			first := b.WantTake("one")
			time.Sleep(agentbridge.OfferTime)
			second := b.WantTake("one")
			b.MustSettle(first, left)
			if p := a.MustPartner(); p.Unread != 1 {
				t.Errorf("Settle(%v) of an offer that ran out: %d unread, want 1", left, p.Unread)
			}
			b.WantCheck() // it is on its way with the second
			b.MustSettle(second, false)
			b.WantCheck("one")
		})
	}
}

func TestSettle_lateButFirst(t *testing.T) { // the reply did leave, and nobody else has the message
	pair(t, func(t *testing.T, a, b *bridgetest.Seat) {
		a.MustSend("one")
		d := b.WantTake("one")
		time.Sleep(2 * agentbridge.OfferTime)
		b.MustSettle(d, true)
		b.WantCheck()
	})
}

func TestSettle_twice(t *testing.T) { // the first word counts
	pair(t, func(t *testing.T, a, b *bridgetest.Seat) {
		a.MustSend("one")
		d := b.WantTake("one")
		b.MustSettle(d, true)
		b.MustSettle(d, false)
		b.WantCheck()
		time.Sleep(2 * agentbridge.OfferTime)
		b.WantCheck()
	})
}

func TestCheck_lostRepliesKeepTheOrder(t *testing.T) {
	pair(t, func(t *testing.T, a, b *bridgetest.Seat) {
		a.MustSend("one")
		lost := b.WantTake("one")
		a.MustSend("two")
		b.WantCheck("two")
		a.MustSend("three")
		b.MustSettle(lost, false)
		b.WantCheck("one", "three")
	})
}

func TestCheck_cancelled(t *testing.T) { // a call that ended takes nothing with it
	pair(t, func(t *testing.T, a, b *bridgetest.Seat) {
		a.MustSend("one")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		d, err := b.Check(ctx, agentbridge.MaxReplyBytes)
		switch {
		case err == nil: // it was faster
			b.MustSettle(d, false)
		case !errors.Is(err, context.Canceled):
			t.Errorf("Check() = %v, want %v", err, context.Canceled)
		}
		b.WantCheck("one")
	})
}
