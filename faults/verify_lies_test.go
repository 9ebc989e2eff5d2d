package faults

import (
	"slices"
	"testing"

	"agentbridge"
)

// recorder notes a failure instead of failing.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fail()                 { r.failed = true }

// account is what a small run left: three letters of one sender on a channel,
// one to a seat, and what their readers got.
type account struct {
	ledger *ledger
	stored []agentbridge.Message
	reader *reading
	box    *reading
	lines  []agentbridge.TranscriptLine
}

func newAccount(t testing.TB) account {
	a := account{ledger: newLedger(t), reader: newReading(t, "the reader", "plans"), box: newReading(t, "seat b", "conv_0123456789abcdef")}
	a.box.seat = seat{conversation: a.box.channel, id: "b"}
	post := func(channel, sender string) message {
		l := a.ledger.next(channel, sender, 50)
		seq := agentbridge.Seq(len(a.stored) + 1)
		m := agentbridge.Message{Seq: seq, ID: agentbridge.NewMessageID(seq), Channel: agentbridge.ChannelName(channel), Sender: agentbridge.AgentName(sender), Content: l.text}
		a.stored = append(a.stored, m)
		a.ledger.acked(l, sent{id: string(m.ID)})
		return message{id: string(m.ID), sender: sender, text: l.text}
	}
	for range 3 {
		a.reader.add(post("plans", "alice"))
	}
	a.box.add(post(a.box.channel, "a"))
	a.lines = []agentbridge.TranscriptLine{{Message: a.stored[3], To: agentbridge.SeatB, State: agentbridge.Injected}}
	return a
}

// audit is verify without a database.
func (a account) audit(t testing.TB) (o outcome) {
	o.letters(t, a.ledger, a.stored)
	o.receipts(t, a.box, a.lines)
	o.reading(t, a.ledger, a.reader, a.stored)
	o.reading(t, a.ledger, a.box, a.stored)
	return o
}

// A verification that can't fail is worth nothing: it passes what is right, and
// finds each of these lies.
func TestVerify_findsLies(t *testing.T) {
	if o := newAccount(t).audit(t); o.delivered != 4 {
		t.Errorf("%d messages were delivered, want 4", o.delivered)
	}
	gone := func(r *reading, i int) {
		delete(r.texts, r.ids[i])
		r.ids = slices.Delete(r.ids, i, i+1)
	}
	for name, lie := range map[string]func(a *account){
		"a lost message":            func(a *account) { a.stored = a.stored[1:]; gone(a.reader, 0) },
		"a message stored twice":    func(a *account) { a.stored = append(a.stored, a.stored[0]) },
		"letters out of order":      func(a *account) { a.stored[0], a.stored[1] = a.stored[1], a.stored[0] },
		"another text":              func(a *account) { a.stored[1].Content = a.stored[0].Content },
		"a message of nobody":       func(a *account) { a.stored = append(a.stored, agentbridge.Message{ID: "x", Content: "x"}) },
		"a message elsewhere":       func(a *account) { a.stored[1].Channel = "other" },
		"a reader who misses one":   func(a *account) { gone(a.reader, 1) },
		"a seat that misses one":    func(a *account) { gone(a.box, 0); a.lines[0].State = agentbridge.Stored },
		"a repeated message":        func(a *account) { a.reader.add(message{id: a.reader.ids[0], text: a.stored[0].Content}) },
		"a reader in another order": func(a *account) { slices.Reverse(a.reader.ids) },
		"a reader of another text":  func(a *account) { a.reader.texts[a.reader.ids[0]] = "x" },
		"a receipt without evidence": func(a *account) {
			gone(a.box, 0)
			a.ledger.letters[a.stored[3].Content].id = "" // or it would be missed
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			lie(&a)
			found := &recorder{TB: t}
			if a.audit(found); !found.failed {
				t.Error("nothing was found")
			}
		})
	}
}

// One letter that is acknowledged under two names is two messages.
func TestLedger_twoIDs(t *testing.T) {
	found := &recorder{TB: t}
	l := newLedger(found)
	m := l.next("plans", "alice", 50)
	l.acked(m, sent{id: "1"})
	l.acked(m, sent{id: "2"})
	if !found.failed {
		t.Error("two ids for one letter were not found")
	}
}
