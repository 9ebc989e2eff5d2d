package relay

import (
	"context"

	"agentbridge"
	"agentbridge/internal/bell"
	"agentbridge/internal/store"
)

// follower implements agentbridge.Feed for one channel. It is a place in the
// store and an ear: between two calls it holds nothing, however much happens.
type follower struct {
	relay   *Relay
	see     sight
	channel agentbridge.ChannelName
	ear     *bell.Ear[agentbridge.ChannelName]

	at      agentbridge.Seq       // behind this message
	id      agentbridge.MessageID // its id, or a mark
	removed int64                 // of the channel, when last looked
	expired int64
	stale   bool // yet to be told
}

// Follow implements agentbridge.Session.
func (s *session) Follow(ctx context.Context, name agentbridge.ChannelName, after agentbridge.Position) (agentbridge.Feed, error) {
	if err := s.may(ctx, opRead, name); err != nil {
		return nil, err
	}
	f := &follower{relay: s.relay, see: s.sight(), channel: name, ear: s.relay.bell.Listen(name)} // it hears before it looks
	err := s.relay.store.View(ctx, func(v store.Reader) error { return f.begin(v, agentbridge.MessageID(after)) })
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// begin finds the place to start from.
func (f *follower) begin(v store.Reader, after agentbridge.MessageID) error {
	c, _, err := channel(v, f.channel) // one that does not exist yet is empty
	if err != nil {
		return err
	}
	f.removed, f.expired = c.Removed, c.Expired
	at, ok, err := find(v, c, after, f.see)
	switch {
	case err != nil:
		return err
	case after == "":
		return f.beginNow(v, c)
	case ok && at >= c.Floor:
		f.at, f.id = at, after
		return nil
	}
	f.stale = true
	if was, err := wasHere(v, c, after, f.see); err != nil {
		return err
	} else if was {
		f.move(c.Floor)
		return nil
	}
	return f.beginNow(v, c)
}

func (f *follower) beginNow(v store.Reader, c store.Channel) error {
	newest, _, err := v.Newest(c, 0, store.Span{Limit: 1})
	f.move(c.Floor)
	for _, m := range newest {
		f.at, f.id = m.Seq, m.ID
	}
	return err
}

// wasHere tells whether a cursor that is not found may be one of a message that
// was removed from c. Its random part can't be checked any more; but all that
// is left of c came after it, and to show too much loses nothing.
func wasHere(v store.Reader, c store.Channel, id agentbridge.MessageID, see sight) (bool, error) {
	if at := id.Position(); at > c.Floor || at == 0 && !id.IsMark() {
		return false, nil
	}
	_, at, elsewhere, err := v.Message(id)
	return !elsewhere || !see.of(at.Name), err
}

// move goes behind a position without having seen its message.
func (f *follower) move(to agentbridge.Seq) { f.at, f.id = to, agentbridge.Mark(to) }

// Next implements agentbridge.Feed: look, and if there is nothing, wait for the
// channel's bell and look again.
func (f *follower) Next(ctx context.Context) (batch agentbridge.Batch, err error) {
	for {
		if err := ended(f.see.who); err != nil {
			return batch, err
		}
		next := *f // moves only if all went well
		err := f.relay.store.View(ctx, func(v store.Reader) (err error) {
			batch, err = next.look(v)
			return err
		})
		if err != nil {
			return agentbridge.Batch{}, err
		}
		if *f = next; len(batch.Events) > 0 {
			return batch, nil
		}
		if err := f.relay.hear(ctx, f.see.who, f.ear); err != nil {
			return batch, err
		}
	}
}

// hear waits for a ring, as long as a principal may.
func (r *Relay) hear(ctx context.Context, p agentbridge.Principal, ear *bell.Ear[agentbridge.ChannelName]) error {
	select {
	case <-ear.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-end(p):
		return ended(p)
	case <-r.done:
		return agentbridge.Refuse(agentbridge.Closed, "", "the bridge is shutting down; reconnect and go on from the same position")
	}
}

func (f *follower) look(v store.Reader) (batch agentbridge.Batch, err error) {
	c, ok, err := channel(v, f.channel)
	if err != nil {
		return batch, err
	}
	var page []agentbridge.Message
	if ok {
		span := store.Span{Limit: agentbridge.MaxBatch, MaxBytes: agentbridge.MaxReplyBytes}
		if page, batch.More, err = v.After(c, f.at, span); err != nil {
			return batch, err
		}
	}
	batch.Events = f.news(c)
	for _, m := range page {
		batch.Events = append(batch.Events, agentbridge.Event{Kind: agentbridge.EventMessage, Channel: c.Name, Message: m})
		f.at, f.id = m.Seq, m.ID
	}
	batch.Next = f.Position()
	return batch, nil
}

// news are the events that are no messages. They come first: what was removed
// stood before all that is left.
func (f *follower) news(c store.Channel) (events []agentbridge.Event) {
	event := func(kind agentbridge.EventKind, removed int64) {
		events = append(events, agentbridge.Event{Kind: kind, Channel: f.channel, Removed: removed})
	}
	if f.stale {
		event(agentbridge.EventStale, 0)
		f.stale = false
	}
	expired := c.Expired - f.expired
	cleared := c.Removed - f.removed - expired
	if expired > 0 {
		event(agentbridge.EventExpired, expired)
	}
	if cleared > 0 {
		event(agentbridge.EventCleared, cleared)
	}
	if c.Removed > f.removed && c.Floor >= f.at { // the message of our position went too
		f.move(c.Floor)
	}
	f.removed, f.expired = c.Removed, c.Expired
	return events
}

// Position implements agentbridge.Feed.
func (f *follower) Position() agentbridge.Position { return agentbridge.Position(f.id) }

// Close implements agentbridge.Feed.
func (f *follower) Close() { f.ear.Close() }
