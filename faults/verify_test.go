package faults

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
)

// outcome is what became of a fault: all but the first three must be 0.
type outcome struct {
	acknowledged, delivered, redelivered int
	lost, duplicated, disordered         int
	wrong                                int // neither: a text nobody sent, a receipt without evidence
}

// failed tells the first few faults of a kind and counts all.
func (o *outcome) failed(t testing.TB, count *int, format string, a ...any) {
	t.Helper()
	if *count++; *count <= 5 {
		t.Errorf(format, a...)
	} else {
		t.Fail()
	}
}

// verify ends all that runs on a home and then holds what is stored, and what
// readers got, against what senders were told:
//
//   - each acknowledged letter is stored once, under the id it was acknowledged
//     with, the letters of a sender in their order; what was not acknowledged is
//     there once or not at all, and nothing else is there;
//   - each reader got each acknowledged letter of its channel, in the order of
//     the channel but for those that came again, and none twice unless it was marked;
//   - a receipt says that a message was read only if somebody got it;
//   - the store keeps its own promises, and the audit log is consistent.
func verify(t *testing.T, h *home, l *ledger, readings ...*reading) (o outcome) {
	t.Helper()
	h.stopAll()
	h.audit()
	f := inspect(t, h, readings)
	h.audit()
	o.acknowledged = l.acknowledged()
	o.letters(t, l, f.stored)
	for _, r := range readings {
		o.receipts(t, r, f.lines[r])
		r.add(f.left[r]...)
		o.reading(t, l, r, f.stored)
	}
	return o
}

// findings is what stands in a database.
type findings struct {
	stored []agentbridge.Message // in order
	lines  map[*reading][]agentbridge.TranscriptLine
	left   map[*reading][]message // what was unread
}

// inspect looks into the database from within: in a bubble, where the time until
// what was on its way comes again costs nothing. The store and the log are
// checked when the bridge there closes.
func inspect(t *testing.T, h *home, readings []*reading) (f findings) {
	t.Helper()
	f.lines, f.left = map[*reading][]agentbridge.TranscriptLine{}, map[*reading][]message{}
	now := time.Now().Round(0) // a bubble's clock starts long ago
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now.Add(agentbridge.OfferTime + time.Second)))
		b := bridgetest.Open(t, h.dir, relay.Options{Limits: limit.Off()})
		f.stored = stored(t, b)
		for _, r := range readings {
			if r.seat.id != "" { // a channel has no receipts
				f.lines[r], f.left[r] = transcript(t, b, r.seat), remainder(t, b, r.seat)
			}
		}
	})
	return f
}

// report prints a fault's line for docs/benchmarks.md: more is keys, without
// spaces, and values.
func report(t testing.TB, name string, rounds int, o outcome, more ...any) {
	t.Helper()
	var line strings.Builder
	fmt.Fprintf(&line, "fault: %s: rounds=%d acknowledged=%d delivered=%d redelivered=%d lost=%d duplicated=%d disordered=%d",
		name, rounds, o.acknowledged, o.delivered, o.redelivered, o.lost, o.duplicated, o.disordered)
	for i := 0; i+1 < len(more); i += 2 {
		fmt.Fprintf(&line, " %v=%v", more[i], more[i+1])
	}
	t.Log(line.String())
}

// stored is every message there is, in order.
func stored(t testing.TB, b *bridgetest.Bridge) (all []agentbridge.Message) {
	t.Helper()
	err := b.Store.View(context.Background(), func(v store.Reader) error {
		return v.WalkMessages(0, func(m agentbridge.Message, sealed error) (bool, error) {
			all = append(all, m)
			return true, sealed
		})
	})
	if err != nil {
		t.Fatalf("read what is stored: %v", err)
	}
	return all
}

// letters compares what is stored with what senders were told.
func (o *outcome) letters(t testing.TB, l *ledger, all []agentbridge.Message) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	times := map[string]int{}
	ids := map[agentbridge.MessageID]agentbridge.Message{}
	last := map[string]*letter{}
	for _, m := range all {
		ids[m.ID] = m
		w := l.letters[m.Content]
		if w == nil || w.channel != string(m.Channel) || w.sender != string(m.Sender) {
			o.failed(t, &o.wrong, "message %s of %s on %s was never sent: %.80q", m.ID, m.Sender, m.Channel, m.Content)
			continue
		}
		if times[m.Content]++; times[m.Content] > 1 && w.keyed {
			o.failed(t, &o.duplicated, "letter %d of %s on %s is stored %d times", w.number, w.sender, w.channel, times[m.Content])
		}
		from := w.channel + " " + w.sender
		if before := last[from]; before != nil && before.number > w.number && w.keyed {
			o.failed(t, &o.disordered, "letter %d of %s on %s stands behind letter %d", w.number, w.sender, w.channel, before.number)
		}
		last[from] = w
	}
	for _, w := range l.letters {
		if w.id == "" {
			continue
		}
		switch m, ok := ids[agentbridge.MessageID(w.id)]; {
		case !ok:
			o.failed(t, &o.lost, "letter %d of %s on %s was acknowledged as %s and is not stored", w.number, w.sender, w.channel, w.id)
		case m.Content != w.text:
			o.failed(t, &o.wrong, "%s was the answer to letter %d of %s and is %.80q", w.id, w.number, w.sender, m.Content)
		}
	}
}

// transcript is a conversation as its operator sees it.
func transcript(t testing.TB, b *bridgetest.Bridge, s seat) []agentbridge.TranscriptLine {
	t.Helper()
	_, lines, err := b.Operator().Conversation(t.Context(), agentbridge.ConversationID(s.conversation))
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// remainder takes what is still unread for a seat.
func remainder(t testing.TB, b *bridgetest.Bridge, s seat) (left []message) {
	t.Helper()
	at := b.MustSit(agentbridge.SeatCredential{Conversation: agentbridge.ConversationID(s.conversation), Seat: agentbridge.Seat(s.id), Token: agentbridge.Token(s.token)})
	for {
		list := at.MustCheck()
		if len(list) == 0 {
			return left
		}
		for _, m := range list {
			left = append(left, message{id: string(m.ID), text: m.Text, again: m.Redelivered})
		}
	}
}

// receipts compares what is said to have been read with what was.
func (o *outcome) receipts(t testing.TB, r *reading, lines []agentbridge.TranscriptLine) {
	t.Helper()
	for _, line := range lines {
		if _, got := r.texts[string(line.Message.ID)]; line.State.Read() && !got && string(line.To) == r.seat.id {
			o.failed(t, &o.wrong, "message %s counts as read by %s, but no answer brought it", line.Message.ID, r.name)
		}
	}
}

// reading compares what a reader got with what is stored.
func (o *outcome) reading(t testing.TB, l *ledger, r *reading, all []agentbridge.Message) {
	t.Helper()
	missing, _ := r.missing(l)
	for _, w := range missing {
		o.failed(t, &o.lost, "%s never got letter %d of %s, acknowledged as %s", r.name, w.number, w.sender, w.id)
	}
	for _, id := range r.twice {
		o.failed(t, &o.duplicated, "%s got message %s twice without a mark", r.name, id)
	}
	texts := map[string]string{}
	for _, m := range all {
		if string(m.Channel) == r.channel {
			texts[string(m.ID)] = m.Content
		}
	}
	var last agentbridge.Seq
	for _, id := range r.ids {
		if text, ok := texts[id]; !ok || text != r.texts[id] {
			o.failed(t, &o.wrong, "%s got message %s on %s, which is stored otherwise or not at all", r.name, id, r.channel)
		}
		at := agentbridge.MessageID(id).Position()
		if at < last && r.seat.id == "" { // several read one seat, and what was lost comes later
			o.failed(t, &o.disordered, "%s got message %s behind a later one", r.name, id)
		}
		last = max(last, at)
	}
	o.delivered += len(r.ids)
	o.redelivered += r.again
}
