package faults

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// Three programs read one seat at the same time, two with processes of their own
// and one at /mcp, and three consumers read one channel. One of each is killed
// and started again while messages come. A message to the seat is handed to one
// of the three, to a second one only with a mark; each consumer gets every
// message of the channel.
func TestReaders(t *testing.T) {
	t.Parallel()
	const channel = "plans"
	n, random := rounds(t, 2), chance()
	h := newHome(t)
	s := h.serve()
	l := newLedger(t)
	teller := overMCP(t, s.url)
	first, second := teller.converse(t)
	box := newReading(t, "seat b", first.conversation)
	box.seat = second
	mortal, steady := h.stdio(), h.stdio()
	consumers := []*reading{newReading(t, "the consumer that dies", channel), newReading(t, "the consumer over pipes", channel), newReading(t, "the consumer at /mcp", channel)}

	senders, stopSenders := group(t)
	readers, stopReaders := group(t)
	for i := range 3 {
		senders(func(ctx context.Context) { l.talk(ctx, overHTTP(t, s.url), channel, fmt.Sprint("sender ", i)) })
	}
	senders(func(ctx context.Context) { l.tell(ctx, teller, first) })
	for i, a := range []tools{mortal.tools, steady.tools, overMCP(t, s.url)} {
		readers(func(ctx context.Context) { box.inbox(ctx, a) })
		readers(func(ctx context.Context) { consumers[i].consume(ctx, a, fmt.Sprint("consumer ", i)) })
	}
	for range n {
		l.await(20 + random.IntN(40))
		moment(random, 5*time.Millisecond)
		mortal.kill()
		l.await(10)
		mortal.again()
	}
	l.await(20)
	stopSenders()
	l.complete(consumers...)
	stopReaders()
	report(t, "three readers of a seat and of a channel, one killed", n, verify(t, h, l, slices.Concat([]*reading{box}, consumers)...))
}
