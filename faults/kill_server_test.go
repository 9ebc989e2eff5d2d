package faults

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// The server is killed while agents use it through every door, and started
// again at the same place. They go on as if nothing had happened: what they were
// told stays true.
func TestKillServer(t *testing.T) {
	t.Parallel()
	const channel = "plans"
	n, random := rounds(t, 2), chance()
	h := newHome(t)
	s := h.serve()
	l := newLedger(t)
	starter := overMCP(t, s.url)
	first, second := starter.converse(t)
	h.audit()
	box := newReading(t, "seat b", first.conversation)
	box.seat = second
	subscriber, consumer, reader := newReading(t, "the subscriber", channel), newReading(t, "the consumer", channel), newReading(t, "the reader", channel)

	senders, stopSenders := group(t)
	readers, stopReaders := group(t)
	for i := range 5 {
		a := overHTTP(t, s.url)
		senders(func(ctx context.Context) { l.talk(ctx, a, channel, fmt.Sprint("http", i)) })
	}
	readers(func(ctx context.Context) { consumer.consume(ctx, overHTTP(t, s.url), "team") })
	readers(func(ctx context.Context) { subscriber.follow(ctx, overHTTP(t, s.url)) })
	senders(func(ctx context.Context) { l.talk(ctx, overMCP(t, s.url), channel, "mcp") })
	readers(func(ctx context.Context) { reader.listen(ctx, overMCP(t, s.url)) })
	senders(func(ctx context.Context) { l.tell(ctx, starter, first) })
	readers(func(ctx context.Context) { box.inbox(ctx, overMCP(t, s.url)) })

	for range n {
		l.await(40 + random.IntN(160))
		moment(random, 5*time.Millisecond)
		s.kill()
		if random.IntN(3) == 0 {
			s.stillborn(random)
		}
		h.audit() // as the kill left it, while nothing runs
		s.again()
	}
	l.await(20)
	stopSenders()
	l.complete(subscriber, consumer, reader) // what a killed server had offered to seat b comes later: see verify
	stopReaders()
	report(t, "kill -9 of the server", n, verify(t, h, l, subscriber, consumer, reader, box))
}
