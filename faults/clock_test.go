package faults

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
)

// A clock is set back between two runs of a bridge, by seconds or by decades,
// and later put right. Each run is a bubble, whose clock begins on 2000-01-01:
// the first one waits before it begins, so that the second one is earlier.
func TestClock_setBack(t *testing.T) {
	random := chance()
	jumps := []time.Duration{26 * 365 * 24 * time.Hour, 5 * time.Hour, agentbridge.OfferTime / 2}
	total, n := 0, rounds(t, 1)
	for round := range n {
		jump := jumps[round%len(jumps)] + time.Duration(random.Int64N(int64(time.Second)))
		c := &clocked{dir: t.TempDir(), jump: jump}
		for _, run := range []func(*testing.T){c.before, c.setBack, c.putRight} {
			synctest.Test(t, run)
			if t.Failed() {
				t.Fatalf("round %d: the clock was set back by %v", round, jump)
			}
		}
		total += len(c.sent)
	}
	report(t, "a clock set back between two runs", n, outcome{acknowledged: total, delivered: total}, "hours", int(jumps[0].Hours()))
}

// clocked is a bridge whose clock is set back, and what it said before.
type clocked struct {
	dir  string
	jump time.Duration

	sent    []agentbridge.Sent // on clockChannel, as they were answered
	read    int                // so many of them the consumer has acknowledged
	seats   [2]agentbridge.SeatCredential
	invite  agentbridge.Invite
	at      agentbridge.Position // of a watch before the last send
	expires time.Time            // the conversation
	signed  int64                // entries, by the last checkpoint that was seen,
	notes   []string             // and all that were
}

const clockChannel = "#clock"

// clockLimits are low enough to be used up, and must let go again.
func clockLimits() limit.Table {
	t := limit.Default()
	t[limit.Channel] = limit.Rule{{N: 20, Per: time.Minute}, {N: 500, Per: 24 * time.Hour}}
	return t
}

func (c *clocked) open(t *testing.T, more relay.Options) *bridgetest.Bridge {
	more.Limits = clockLimits()
	return bridgetest.Open(t, c.dir, more)
}

// draft is the n-th message, with its idempotency key.
func (c *clocked) draft(a *bridgetest.Agent, n int) agentbridge.Draft {
	d := a.Draft(clockChannel, fmt.Sprint("message ", n))
	d.Key = fmt.Sprint("key ", n)
	return d
}

// say sends the next message.
func (c *clocked) say(t *testing.T, a *bridgetest.Agent) {
	t.Helper()
	patiently(t, func() error {
		sent, err := a.Send(t.Context(), c.draft(a, len(c.sent)))
		if err == nil {
			c.sent = append(c.sent, sent)
		}
		return err
	})
}

// before is the bridge in ordinary times: everything that has a time is there.
func (c *clocked) before(t *testing.T) {
	time.Sleep(c.jump)
	b := c.open(t, relay.Options{})
	alice, bob := b.Agent("alice"), b.Agent("bob")
	for retryAfter(c.try(t, alice)) == 0 { // until the bucket is empty
	}
	if len(c.sent) < 15 {
		t.Fatalf("%d sends were admitted, want about 20", len(c.sent))
	}
	c.read = 10
	bob.MustAck(clockChannel, c.sent[c.read-1].ID)
	watch := alice.MustWatch("", clockChannel)
	c.at = watch.Position()
	c.say(t, alice)

	mine, partners := b.Pair("backend_developer", "frontend_developer")
	c.seats = [2]agentbridge.SeatCredential{mine.Credential, partners.Credential}
	partners.MustStatus(agentbridge.Working)
	mine.MustSend("offered and never settled")
	partners.WantTake("offered and never settled")
	mine.MustSend("stored")
	for i := 2; ; i++ { // until this bucket is empty, too
		if _, err := mine.Send(t.Context(), agentbridge.SeatDraft{Text: fmt.Sprint("more ", i), Key: fmt.Sprint(i)}); err != nil {
			bridgetest.WantErr(t, agentbridge.RateLimited, err)
			break
		}
	}
	other, err := b.Session().CreateConversation(t.Context(), "backend_developer", "frontend_developer")
	if err != nil {
		t.Fatal(err)
	}
	c.invite, c.expires = other.Invite, other.ExpiresAt
}

// try sends the next message once.
func (c *clocked) try(t *testing.T, a *bridgetest.Agent) error {
	sent, err := a.Send(t.Context(), c.draft(a, len(c.sent)))
	if err == nil {
		c.sent = append(c.sent, sent)
	} else {
		bridgetest.WantErr(t, agentbridge.RateLimited, err)
	}
	return err
}

// setBack is the same bridge when it is earlier than it was.
func (c *clocked) setBack(t *testing.T) {
	const retention = time.Hour
	var more relay.Options
	if c.jump > 2*retention { // else what was there before is old enough at the end
		more = relay.Options{Retention: retention, RetentionSweep: time.Minute}
	}
	b := c.open(t, more)
	c.wantSeats(t, b)
	c.wantMessages(t, b)
	c.wantSigned(t, b)
	alice := b.Agent("alice")
	fresh := alice.MustSend("#fresh", "of the earlier time")
	time.Sleep(retention + 2*time.Minute)
	_, err := alice.Message(t.Context(), fresh.ID)
	if gone := agentbridge.CodeOf(err) == agentbridge.NotFound; gone != (more.Retention > 0) {
		t.Errorf("a message that is older than the retention of %v: %v", more.Retention, err)
	}
	c.wantAll(t, alice) // these are not, or stand behind some that are not
	c.wantConversations(t, b)
}

// putRight is the same bridge when the clock is right again.
func (c *clocked) putRight(t *testing.T) {
	time.Sleep(c.jump + time.Hour)
	b := c.open(t, relay.Options{})
	alice, bob := b.Agent("alice"), b.Agent("bob")
	c.wantAll(t, alice)
	c.wantKeys(t, alice)
	old := len(c.sent)
	c.say(t, alice)
	page := bob.MustRead(agentbridge.ReadRequest{Channel: clockChannel, Consumer: "bob", Limit: agentbridge.MaxPage})
	if len(page.Messages) != len(c.sent)-c.read || page.Gap {
		t.Errorf("behind the consumer's cursor: %d messages, want %d", len(page.Messages), len(c.sent)-c.read)
	}
	if last := c.sent[old].Seq; last <= c.sent[old-1].Seq {
		t.Errorf("message %d has number %d behind %d", old, last, c.sent[old-1].Seq)
	}
	mine := b.MustSit(c.seats[0])
	if p := mine.MustPartner(); p.Alive || p.Age < time.Minute {
		t.Errorf("Partner() = %+v, long after it was heard of", p)
	}
	mine.MustSend("and on")
	b.MustSit(c.seats[1]).WantCheck("and on")
	c.wantSigned(t, b)
}
