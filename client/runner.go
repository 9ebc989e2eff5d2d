package client

import (
	"context"
	"errors"
	"time"

	"agentbridge"
)

// runner keeps a feed connected. It belongs to one goroutine.
type runner struct {
	client *Client
	source source
	items  chan<- item

	at   agentbridge.Position // behind what was queued
	seen map[agentbridge.ChannelName]agentbridge.Seq

	lost     time.Time // when the last good connection ended
	failures int       // in a row
}

func newRunner(c *Client, what source, at agentbridge.Position, items chan<- item) *runner {
	return &runner{client: c, source: what, items: items, at: at, seen: map[agentbridge.ChannelName]agentbridge.Seq{}}
}

// run reads one connection after the other until ctx ends or the bridge refuses
// the feed.
func (r *runner) run(ctx context.Context, st *stream) {
	defer close(r.items)
	for {
		from, since := r.at, time.Now()
		err := r.pump(ctx, st)
		st.close()
		if r.at != from || time.Since(since) >= maxPause { // it was a good one
			r.failures, r.lost = 0, time.Now()
		} else if r.lost.IsZero() || !isForeign(err) {
			r.lost = time.Now()
		}
		atOnce := errors.Is(err, errTruncated) && r.at != from // without progress this would be an endless loop
		if st, err = r.reconnect(ctx, err, atOnce); err != nil {
			r.push(ctx, item{next: r.at, err: err})
			return
		}
	}
}

// reconnect returns the next connection, or why there will be none.
func (r *runner) reconnect(ctx context.Context, why error, atOnce bool) (*stream, error) {
	for {
		if ctx.Err() != nil { // the feed was closed
			return nil, ctx.Err()
		}
		if !temporary(why) {
			return nil, why
		}
		if !atOnce {
			r.failures++
			wait := backoff(r.failures, why)
			if limit := r.client.retry; limit > 0 && time.Since(r.lost)+wait > limit {
				return nil, r.client.givenUp(limit, why)
			}
			r.client.onRestart(why, wait)
			if !pause(ctx, wait) {
				return nil, ctx.Err()
			}
		}
		atOnce = false
		st, err := r.client.connect(ctx, r.source, r.at)
		if err == nil {
			return st, nil
		}
		why = err
	}
}

// temporary tells whether another connection may mend an error. Everything that
// the bridge refuses it will refuse again.
func temporary(err error) bool {
	switch agentbridge.CodeOf(err) {
	case agentbridge.Unreachable, agentbridge.RateLimited, agentbridge.Busy, agentbridge.Unavailable, agentbridge.Closed, agentbridge.Internal:
		return true
	}
	return false
}

func (c *Client) givenUp(limit time.Duration, why error) error {
	return agentbridge.Refuse(agentbridge.Unreachable, "", "gave up after trying to get back to the event stream for %v: %v", limit, why)
}

// pump queues what a connection says until it ends, and returns why.
func (r *runner) pump(ctx context.Context, st *stream) error {
	it := item{next: r.at}
	for {
		f, err := st.next()
		if err == nil {
			err = r.read(&it, f)
		}
		// What comes before the id of its place should not be queued without it,
		// or a reader who stops here would be told of it again.
		placeless := len(it.events) > 0 && len(it.events) < agentbridge.MaxBatch && it.next == r.at
		if err == nil && placeless && st.sse.idArrived() {
			continue
		}
		if len(it.events) > 0 || it.next != r.at {
			if !r.push(ctx, it) {
				return ctx.Err()
			}
			r.at = it.next
			it = item{next: r.at}
		}
		if err != nil {
			return err
		}
	}
}

// read adds what a frame says to an item.
func (r *runner) read(it *item, f frame) error {
	if f.id != "" {
		if _, err := agentbridge.ParseMessageID("id", f.id); err != nil {
			return r.client.foreign("an id in its event stream makes no sense")
		}
	}
	if !f.empty {
		events, err := r.source.read(f)
		if err != nil {
			return err
		}
		it.events = append(it.events, r.fresh(events)...)
	}
	if f.id != "" {
		it.next = agentbridge.Position(f.id)
	}
	return nil
}

// fresh leaves out messages that came before: within a channel seq only rises.
func (r *runner) fresh(events []agentbridge.Event) []agentbridge.Event {
	kept := events[:0]
	for _, e := range events {
		switch e.Kind {
		case agentbridge.EventStale, agentbridge.EventReset: // perhaps it is another database
			clear(r.seen)
		case agentbridge.EventMessage:
			if e.Message.Seq <= r.seen[e.Channel] {
				continue
			}
			r.seen[e.Channel] = e.Message.Seq
		}
		kept = append(kept, e)
	}
	return kept
}

// push queues an item. It tells whether there is still somebody to take it.
func (r *runner) push(ctx context.Context, it item) bool {
	select {
	case r.items <- it:
		return true
	case <-ctx.Done():
		return false
	}
}
