package faults

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
)

// wantMessages checks channels: order, cursors, keys, limits, feeds.
func (c *clocked) wantMessages(t *testing.T, b *bridgetest.Bridge) {
	t.Helper()
	alice, bob := b.Agent("alice"), b.Agent("bob")
	watch, follow := alice.MustWatch(c.at, clockChannel), alice.MustFollow(clockChannel, agentbridge.Position(c.sent[c.read].ID))
	c.wantKeys(t, alice)
	old := len(c.sent)
	waiter := make(chan error, 1)
	go func() {
		page, err := bob.Wait(t.Context(), agentbridge.ReadRequest{Channel: clockChannel, After: c.sent[old-1].ID}, time.Minute)
		if err == nil && len(page.Messages) == 0 {
			err = context.DeadlineExceeded
		}
		waiter <- err
	}()
	synctest.Wait()
	c.say(t, alice)
	if err := <-waiter; err != nil {
		t.Errorf("a wait when the clock was set back: %v", err)
	}
	time.Sleep(time.Minute) // a period: the bucket is full again
	for n := 0; n < 15; n++ {
		if err := c.try(t, alice); err != nil {
			t.Fatalf("send %d, a minute after the clock was set back: %v", n, err)
		}
	}
	var behind []string
	for i := old - 1; i < len(c.sent); i++ { // the last one before, and all since
		behind = append(behind, fmt.Sprintf("%s: message %d", clockChannel, i))
	}
	watch.Want(behind...)
	for i := old - 2; i > c.read; i-- {
		behind = append([]string{fmt.Sprintf("%s: message %d", clockChannel, i)}, behind...)
	}
	follow.Want(behind...)
	c.wantAll(t, alice)
	page := bob.MustRead(agentbridge.ReadRequest{Channel: clockChannel, Consumer: "bob", Limit: 1})
	if len(page.Messages) != 1 || page.Messages[0].ID != c.sent[c.read].ID || page.Gap {
		t.Errorf("a consumer's cursor: %+v, want message %d next", page, c.read)
	}
	bob.MustAck(clockChannel, c.sent[old].ID)
	c.read = old + 1
}

// wantKeys checks that keys hold what they held: a retry is the same message,
// another text a conflict.
func (c *clocked) wantKeys(t *testing.T, alice *bridgetest.Agent) {
	t.Helper()
	if again := alice.MustSendDraft(c.draft(alice, 3)); again.ID != c.sent[3].ID || !again.Deduplicated {
		t.Errorf("a send with the key of %s = %+v", c.sent[3].ID, again)
	}
	other := c.draft(alice, 4)
	other.Key = "key 3"
	_, err := alice.Send(t.Context(), other)
	bridgetest.WantErr(t, agentbridge.Conflict, err)
}

// wantAll checks that the channel holds what was acknowledged, in that order,
// and nothing else.
func (c *clocked) wantAll(t *testing.T, alice *bridgetest.Agent) {
	t.Helper()
	var last agentbridge.Seq
	got := 0
	for next := agentbridge.Mark(0); ; {
		page := alice.MustRead(agentbridge.ReadRequest{Channel: clockChannel, After: next, Limit: agentbridge.MaxPage})
		for _, m := range page.Messages {
			if got >= len(c.sent) || m.ID != c.sent[got].ID || m.Seq <= last {
				t.Fatalf("message %d is %s with number %d behind %d", got, m.ID, m.Seq, last)
			}
			last = m.Seq
			got++
		}
		if next = page.Next; !page.More {
			break
		}
	}
	if got != len(c.sent) {
		t.Errorf("%d messages, want the %d that were acknowledged", got, len(c.sent))
	}
}

// wantSeats checks a conversation: an offer of the future has run out, limits
// let go, and nobody is alive for ever who was heard of in the future.
func (c *clocked) wantSeats(t *testing.T, b *bridgetest.Bridge) {
	t.Helper()
	mine, partners := b.MustSit(c.seats[0]), b.MustSit(c.seats[1])
	if p := mine.MustPartner(); p.Age != 0 || p.LastHeartbeat.After(time.Now().Add(agentbridge.AliveFor)) {
		t.Errorf("Partner() = %+v: it was heard of in the future", p)
	}
	time.Sleep(2*agentbridge.AliveFor + time.Minute) // a heartbeat that is not much ahead may have overtaken us
	if p := mine.MustPartner(); p.Alive {
		t.Errorf("Partner() = %+v, %v after the clock was set back, without a sign of life", p, agentbridge.AliveFor)
	}
	list := partners.MustCheck()
	if len(list) != 10 || !list[0].Redelivered || list[1].Redelivered || list[0].Text != "offered and never settled" {
		t.Errorf("Check() = %+v; want the offered message again, marked, and nine more", list)
	}
	if p := mine.MustPartner(); !p.Alive || p.Status != agentbridge.Working || p.Unread != 0 {
		t.Errorf("Partner() = %+v, want it alive again", p)
	}
	patiently(t, func() error {
		_, err := mine.Send(t.Context(), agentbridge.SeatDraft{Text: "in the earlier time"})
		return err
	})
	partners.WantCheck("in the earlier time")
	if _, err := b.Session().JoinConversation(t.Context(), c.invite); err != nil {
		t.Errorf("JoinConversation() with an invite of the future = %v", err)
	}
}

// wantConversations checks that what begins now ends when it should.
func (c *clocked) wantConversations(t *testing.T, b *bridgetest.Bridge) {
	t.Helper()
	a, _ := b.Pair("backend_developer", "frontend_developer")
	time.Sleep(agentbridge.DefaultTTL)
	_, err := a.Send(t.Context(), agentbridge.SeatDraft{Text: "too late"})
	bridgetest.WantErr(t, agentbridge.Expired, err)
	_, err = b.Sit(t.Context(), agentbridge.Local(), c.seats[0])
	if ends := time.Now().Before(c.expires); (err == nil) != ends {
		t.Errorf("Sit() in a conversation that ends at %v, at %v = %v", c.expires, time.Now(), err)
	}
}

// wantSigned checks that the log goes on being signed.
func (c *clocked) wantSigned(t *testing.T, b *bridgetest.Bridge) {
	t.Helper()
	s := b.Session()
	if _, err := s.Send(t.Context(), b.Agent("carol").Draft("#signed", "x")); err != nil {
		t.Fatal(err)
	}
	page, err := s.Entries(t.Context(), agentbridge.EntryQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute + time.Second)
	h, err := s.Ping(t.Context())
	if err != nil || h.Checkpoint.Size < page.Entries[0].Seq || h.Checkpoint.Size <= c.signed {
		t.Errorf("Ping() a minute later = %+v, %v; want a checkpoint of %d entries", h, err, page.Entries[0].Seq)
	}
	c.signed = h.Checkpoint.Size
	c.notes = append(c.notes, h.Checkpoint.Note)
	report, err := b.Audit.Verify(t.Context(), relay.AuditCheck{Outside: c.notes})
	if err != nil || len(report.Faults) > 0 || report.AnchoredTo != c.signed {
		t.Errorf("Verify() against %d checkpoints = %+v, %v", len(c.notes), report, err)
	}
}

// patiently does what a limit may refuse, and then waits as it is told to, but
// for no more than a minute in all: that is the limits' first period.
func patiently(t *testing.T, do func() error) {
	t.Helper()
	for waited := time.Duration(0); ; {
		err := do()
		if err == nil {
			return
		}
		wait := retryAfter(err)
		if waited += wait; wait == 0 || waited > time.Minute {
			t.Fatalf("refused after waiting for %v: %v", waited, err)
		}
		time.Sleep(wait)
	}
}

// retryAfter is how long a refusal asks to wait, 0 if it does not.
func retryAfter(err error) time.Duration {
	if refused, ok := errors.AsType[*agentbridge.Error](err); ok {
		return refused.RetryAfter
	}
	return 0
}
