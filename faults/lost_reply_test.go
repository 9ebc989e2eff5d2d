package faults

import (
	"context"
	"fmt"
	"testing"
)

// Between the agents and the server stands something that loses answers: before
// their first byte, or in the middle. Agents send again with the same key until
// they are answered; nothing is there twice then, and nothing is missing. Whoever
// uses no key may have its message stored again, but no id ever stands for two
// texts.
func TestLostReply(t *testing.T) {
	t.Parallel()
	const channel = "plans"
	n, random := rounds(t, 2), chance()
	h := newHome(t)
	s := h.serve()
	p := newLossy(t, s.host(), random)
	l := newLedger(t)
	pair := overMCP(t, p.url)
	first, second := overMCP(t, s.url).converse(t)
	box := newReading(t, "seat b", first.conversation)
	box.seat = second
	near, consumer, reader := newReading(t, "the subscriber beside", channel), newReading(t, "the consumer", channel), newReading(t, "the reader", channel)

	senders, stopSenders := group(t)
	readers, stopReaders := group(t)
	for i := range 3 {
		senders(func(ctx context.Context) { l.talk(ctx, overHTTP(t, p.url), channel, fmt.Sprint("http", i)) })
	}
	for i := range 2 {
		senders(func(ctx context.Context) { l.talk(ctx, overMCP(t, p.url), channel, fmt.Sprint("mcp", i)) })
	}
	senders(func(ctx context.Context) { l.blurt(ctx, overMCP(t, p.url), channel, "keyless") })
	senders(func(ctx context.Context) { l.tell(ctx, pair, first) })
	readers(func(ctx context.Context) { consumer.consume(ctx, overHTTP(t, p.url), "team") })
	readers(func(ctx context.Context) { reader.listen(ctx, overMCP(t, p.url)) })
	readers(func(ctx context.Context) { near.follow(ctx, overHTTP(t, s.url)) })
	readers(func(ctx context.Context) { box.inbox(ctx, overMCP(t, s.url)) }) // beside: an answer that left the bridge counts

	for range n {
		l.await(50)
	}
	stopSenders()
	l.complete(near, consumer, reader, box)
	stopReaders()
	report(t, "answers lost between server and client", n, verify(t, h, l, near, consumer, reader, box), "answers-cut", p.cuts.Load())
}
