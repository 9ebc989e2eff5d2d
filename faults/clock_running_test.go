package faults

import (
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
)

// A clock jumps to and fro while a bridge runs: of two programs on a database,
// a server and one in a bubble, where it is the year 2000, each finds what the
// other one wrote decades from its own time.
func TestClock_jumpsWhileItRuns(t *testing.T) {
	h, l := newHome(t), newLedger(t)
	server, n := h.serve(), rounds(t, 2)
	reader := newReading(t, "a reader", jumping)
	first, second := overMCP(t, server.url).converse(t)
	inbox := newReading(t, "seat b", first.conversation)
	inbox.seat = second
	j := &jump{ledger: l, server: server, seats: [2]seat{first, second}}
	synctest.Test(t, func(t *testing.T) {
		j.t = t
		j.bridge = bridgetest.Open(t, h.dir, relay.Options{Limits: limit.Off()})
		for range n {
			j.sends()
			j.offers()
		}
	})
	inbox.add(j.got...)
	list, err := overHTTP(t, server.url).wait(t.Context(), jumping, "", "", 0)
	for err == nil && len(list) > 0 {
		reader.add(list...)
		list, err = overHTTP(t, server.url).wait(t.Context(), jumping, list[len(list)-1].id, "", 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	report(t, "a clock that jumps while the bridge runs", n, verify(t, h, l, reader, inbox))
}

const jumping = "#jumping"

// jump is the two programs.
type jump struct {
	t      *testing.T // the bubble's
	ledger *ledger
	server *server
	bridge *bridgetest.Bridge // of the year 2000
	seats  [2]seat
	got    []message // by seat b; a reading would keep something of the bubble's
}

// now does something at the server. Its connection must not stay: while one is
// open, a bubble's clock stands still.
func (j *jump) now(do func(tools) error) {
	j.t.Helper()
	far := overMCP(j.t, j.server.url)
	defer far.close()
	if err := do(far); err != nil {
		j.t.Fatal(err)
	}
}

// sends sends by turns: the numbers rise all the same.
func (j *jump) sends() {
	j.t.Helper()
	near := j.bridge.Agent("near")
	var last agentbridge.Seq
	for range 5 {
		m := j.ledger.next(jumping, "near", 100)
		d := near.Draft(jumping, m.text)
		d.Key = m.key
		got := near.MustSendDraft(d)
		j.ledger.acked(m, sent{id: string(got.ID)})
		j.now(func(far tools) error {
			m := j.ledger.next(jumping, "far", 100)
			s, err := far.send(j.t.Context(), jumping, "far", m.text, m.key)
			if err == nil {
				j.ledger.acked(m, s)
			}
			if at := agentbridge.MessageID(s.id).Position(); err == nil && (at <= got.Seq || got.Seq <= last) {
				j.t.Errorf("messages %d, %d and %d were stored one after the other", last, got.Seq, at)
			}
			return err
		})
		last = got.Seq
		time.Sleep(time.Second)
	}
}

// offers hands a message out in one time, and again in the other.
func (j *jump) offers() {
	j.t.Helper()
	s := j.seats[1]
	b := j.bridge.MustSit(agentbridge.SeatCredential{Conversation: agentbridge.ConversationID(s.conversation), Seat: agentbridge.SeatB, Token: agentbridge.Token(s.token)})
	for range 2 {
		m := j.ledger.next(s.conversation, "a", 100)
		j.now(func(far tools) error {
			got, err := far.tell(j.t.Context(), j.seats[0], m.text, m.key)
			if err == nil {
				j.ledger.acked(m, got)
			}
			return err
		})
	}
	offered := b.MustTake().Messages // and whoever took it dies before that is settled
	if len(offered) != 2 {
		j.t.Errorf("Check() in the year 2000 = %+v, want 2 messages", offered)
	}
	for _, m := range offered {
		j.got = append(j.got, message{id: string(m.ID), text: m.Text})
	}
	j.now(func(far tools) error {
		list, err := far.check(j.t.Context(), s)
		if len(list) != 2 {
			j.t.Errorf("check_messages in our time: %d messages, want the 2 that were offered before", len(list))
		}
		j.got = append(j.got, list...) // marked, or inbox will complain
		return err
	})
}
