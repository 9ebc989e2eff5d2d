package client

import (
	"context"
	"errors"
	"net/url"

	"agentbridge"
)

// maxQueued is how many frames a feed holds for a reader that is behind.
// Further ones wait in the network, and at last the bridge cuts the stream;
// the feed goes on from there when its reader does.
const maxQueued = 32

// feed implements agentbridge.Feed. A goroutine keeps a connection, reads it
// and queues what came; that goroutine alone knows about connections, and Next
// only takes from the queue, so whoever stops waiting loses nothing.
type feed struct {
	items  chan item // closed when the goroutine ends
	cancel context.CancelFunc

	at   agentbridge.Position // behind what Next returned
	held *item                // taken from the queue, but too much for a batch
	err  error                // why no more comes
}

// item is what one frame said: events and where they end, or the end of all.
type item struct {
	events []agentbridge.Event
	next   agentbridge.Position
	err    error
}

// source is what a feed reads.
type source struct {
	path  string // escaped
	query url.Values
	// read understands a frame. Its error ends the connection, not the feed,
	// unless it is one that a new connection won't mend.
	read func(frame) ([]agentbridge.Event, error)
}

// open connects to a source and starts its feed.
func (c *Client) open(ctx context.Context, what source, after agentbridge.Position) (agentbridge.Feed, error) {
	if after != "" {
		if _, err := agentbridge.ParseMessageID("position", string(after)); err != nil { // it travels in a header
			return nil, err
		}
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the feed goes on when ctx ends
	unlink := context.AfterFunc(ctx, cancel)
	st, err := c.connect(life, what, after)
	if !unlink() {
		err = ctx.Err()
		if st != nil {
			st.close()
		}
	}
	if err != nil {
		cancel()
		return nil, err
	}
	if st.first != nil && st.first.empty {
		after = agentbridge.Position(st.first.id)
	}
	f := &feed{items: make(chan item, maxQueued), cancel: cancel, at: after}
	go newRunner(c, what, after, f.items).run(life, st)
	return f, nil
}

// Next implements agentbridge.Feed. It does not end when the bridge shuts down,
// but connects again.
func (f *feed) Next(ctx context.Context) (b agentbridge.Batch, err error) {
	for len(b.Events) == 0 {
		it, err := f.take(ctx)
		if err != nil {
			return agentbridge.Batch{}, err
		}
		f.add(&b, it)
	}
	for { // what is here already comes along
		it, ok := f.poll()
		if !ok {
			break
		}
		if len(b.Events)+len(it.events) > agentbridge.MaxBatch {
			f.held = &it
			break
		}
		f.add(&b, it)
	}
	b.More = f.held != nil || len(f.items) > 0
	return b, nil
}

func (f *feed) add(b *agentbridge.Batch, it item) {
	b.Events = append(b.Events, it.events...)
	f.at, b.Next = it.next, it.next
}

// take waits for an item.
func (f *feed) take(ctx context.Context) (item, error) {
	if err := ctx.Err(); err != nil {
		return item{}, err
	}
	if it, ok := f.poll(); ok {
		return it, nil
	}
	if f.err != nil {
		return item{}, f.err
	}
	select {
	case it, ok := <-f.items:
		f.check(it, ok)
		return it, f.err
	case <-ctx.Done():
		return item{}, ctx.Err()
	}
}

// poll returns an item if one is here.
func (f *feed) poll() (item, bool) {
	if it := f.held; it != nil {
		f.held = nil
		return *it, true
	}
	if f.err != nil {
		return item{}, false
	}
	select {
	case it, ok := <-f.items:
		f.check(it, ok)
		return it, f.err == nil
	default:
		return item{}, false
	}
}

// check keeps why the feed ended, if it did.
func (f *feed) check(it item, ok bool) {
	if f.err = it.err; !ok {
		f.err = agentbridge.Refuse(agentbridge.Closed, "", "the feed was closed; open another one from its position")
	}
}

// Position implements agentbridge.Feed.
func (f *feed) Position() agentbridge.Position { return f.at }

// Close implements agentbridge.Feed. The connection is gone when it returns.
func (f *feed) Close() {
	f.cancel()
	for range f.items { // until the goroutine has ended
	}
	if f.err == nil {
		f.check(item{}, false)
	}
	f.held = nil
}

// errTruncated ends a connection that has shown as much of the past as one
// may; the next one goes on.
var errTruncated = errors.New("the bridge shows the rest of the past to the next connection")
