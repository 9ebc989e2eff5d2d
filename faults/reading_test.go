package faults

import (
	"context"
	"sync"
	"testing"

	"agentbridge"
)

// reading is what one reader of a channel got, or all readers of one seat
// together. It is safe for concurrent use.
type reading struct {
	t       testing.TB
	name    string
	channel string
	seat    seat // of a conversation's; what is left for it is taken at the end

	mu       sync.Mutex // guards the fields below
	ids      []string   // in the order in which they came, each once
	texts    map[string]string
	again    int      // how many came again, as they may
	twice    []string // those that came again as if they were new
	position agentbridge.Seq
	grew     chan struct{}
}

func newReading(t testing.TB, name, channel string) *reading {
	return &reading{t: t, name: name, channel: channel, texts: map[string]string{}, grew: make(chan struct{})}
}

// add takes messages as a reader got them. Those that come again must be marked,
// or stand behind what the reader has acknowledged for good (see acked).
func (r *reading) add(list ...message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range list {
		text, known := r.texts[m.id]
		if m.again || known && m.may {
			r.again++
		}
		switch {
		case !known:
			r.ids = append(r.ids, m.id)
			r.texts[m.id] = m.text
		case text != m.text:
			r.t.Errorf("%s got message %s with two texts, %.80q and %.80q", r.name, m.id, text, m.text)
		case !m.again && !m.may:
			r.twice = append(r.twice, m.id)
		}
	}
	close(r.grew)
	r.grew = make(chan struct{})
}

// acked notes that the bridge has kept how far a consumer is: what stands up to
// there must not come again.
func (r *reading) acked(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.position = max(r.position, agentbridge.MessageID(id).Position())
}

// unacked notes which messages a consumer has not acknowledged yet.
func (r *reading) unacked(list []message) []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, m := range list {
		if agentbridge.MessageID(m.id).Position() > r.position {
			list[i].may = true
		}
	}
	return list
}

// missing are the acknowledged letters of its channel that have not come, and a
// channel that is closed when anything comes.
func (r *reading) missing(l *ledger) (list []*letter, grew <-chan struct{}) {
	letters := l.of(r.channel)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range letters {
		if _, ok := r.texts[m.id]; m.id != "" && !ok && m.sender != r.seat.id {
			list = append(list, m)
		}
	}
	return list, r.grew
}

// complete waits until every reading has what was acknowledged. What is missing
// after a long time verify finds.
func (l *ledger) complete(readings ...*reading) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), hang)
	defer cancel()
	for _, r := range readings {
		for {
			list, grew := r.missing(l)
			if len(list) == 0 {
				break
			}
			select {
			case <-grew:
				continue
			case <-ctx.Done():
			}
			break
		}
	}
}

// consume reads a channel as a consumer, and acknowledges what it got, until
// ctx ends.
func (r *reading) consume(ctx context.Context, a agent, consumer string) {
	for ctx.Err() == nil {
		list, err := a.wait(ctx, r.channel, "", consumer, agentbridge.MaxWait)
		if err == nil && len(list) > 0 {
			r.add(r.unacked(list)...)
			last := list[len(list)-1].id
			if err = a.ack(ctx, r.channel, consumer, last); err == nil {
				r.acked(last)
			}
		}
		r.note(ctx, "consumer "+consumer, err)
	}
}

// listen reads a channel behind the last message that came, until ctx ends.
func (r *reading) listen(ctx context.Context, a agent) {
	after := ""
	for ctx.Err() == nil {
		list, err := a.wait(ctx, r.channel, after, "", agentbridge.MaxWait)
		r.add(list...)
		if len(list) > 0 {
			after = list[len(list)-1].id
		}
		r.note(ctx, "reader", err)
	}
}

// follow reads a channel's event stream from its beginning until ctx ends.
func (r *reading) follow(ctx context.Context, c caller) {
	feed, err := c.session.Follow(ctx, agentbridge.ChannelName(r.channel), agentbridge.Position(agentbridge.Mark(0)))
	if err != nil {
		r.note(ctx, "subscriber", err)
		return
	}
	defer feed.Close()
	for ctx.Err() == nil {
		batch, err := feed.Next(ctx)
		for _, e := range batch.Events {
			if e.Kind != agentbridge.EventMessage {
				r.t.Errorf("%s was told %q of a channel that has only messages", r.name, e.Kind)
				continue
			}
			r.add(message{id: string(e.Message.ID), text: e.Message.Content})
		}
		r.note(ctx, "subscriber", err)
	}
}

// inbox takes what is unread for a seat until ctx ends. Several may, at once. A
// call that is under way then is heard to its end: its answer counts as read.
func (r *reading) inbox(ctx context.Context, a tools) {
	for ctx.Err() == nil {
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), hang)
		list, err := a.check(patient, r.seat)
		cancel()
		if len(list) > 0 { // else nobody waits for it
			r.add(list...)
		}
		r.note(ctx, "seat "+r.seat.id, err)
		if err == nil && len(list) == 0 {
			pause(ctx)
		}
	}
}

// note fails the test if a call was refused, and pauses if it was lost.
func (r *reading) note(ctx context.Context, who string, err error) {
	switch {
	case err == nil || ctx.Err() != nil:
	case refused(err):
		r.t.Errorf("%s: %s was refused: %v", r.name, who, err)
		pause(ctx)
	default:
		pause(ctx)
	}
}
