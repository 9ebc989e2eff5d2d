package faults

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// spared is an agent whose process nobody kills: each of its calls is answered,
// whatever happens to the others.
type spared struct {
	tools
	t     testing.TB
	name  string
	calls atomic.Int64
}

func newSpared(t testing.TB, name string, a tools) *spared {
	s := &spared{t: t, name: name, tools: a}
	s.call = func(ctx context.Context, tool string, arguments args) (data, error) {
		d, err := a.call(ctx, tool, arguments)
		if err != nil && ctx.Err() == nil {
			t.Errorf("%s of %s, which lives: %v", tool, name, err)
		}
		s.calls.Add(1)
		return d, err
	}
	return s
}

// Several programs share a database, each started by its own agent, with a
// server beside them. Some are killed again and again, in the middle of
// transactions and with the locks of the database in their hands. The others go
// on without an error, and what the dead had been told stays true.
func TestKillStdio(t *testing.T) {
	t.Parallel()
	const channel, mortals = "plans", 3
	n, random := rounds(t, 2), chance()
	h := newHome(t)
	s := h.serve()
	l := newLedger(t)
	steady := h.stdio()
	first, second := steady.converse(t)
	box := newReading(t, "seat b", first.conversation)
	box.seat = second
	near, far, consumer := newReading(t, "the reader over pipes", channel), newReading(t, "the reader over HTTP", channel), newReading(t, "the consumer", channel)
	survivors := []*spared{newSpared(t, "stdio", steady.tools), newSpared(t, "serve", overMCP(t, s.url))}

	senders, stopSenders := group(t)
	readers, stopReaders := group(t)
	senders(func(ctx context.Context) { l.talk(ctx, survivors[0], channel, "spared stdio") })
	senders(func(ctx context.Context) { l.talk(ctx, survivors[1], channel, "spared serve") })
	readers(func(ctx context.Context) { near.listen(ctx, survivors[0]) })
	readers(func(ctx context.Context) { far.follow(ctx, overHTTP(t, s.url)) })
	var victims []*pipes
	for i := range mortals {
		p := h.stdio()
		victims = append(victims, p)
		senders(func(ctx context.Context) { l.talk(ctx, p, channel, fmt.Sprint("mortal ", i)) })
	}
	senders(func(ctx context.Context) { l.tell(ctx, victims[0].tools, first) })
	readers(func(ctx context.Context) { box.inbox(ctx, victims[1].tools) })
	readers(func(ctx context.Context) { box.inbox(ctx, survivors[1].tools) })
	readers(func(ctx context.Context) { consumer.consume(ctx, victims[2], "team") })

	kills := 0
	for range n {
		l.await(20 + random.IntN(80))
		struck := random.Perm(mortals)[:1+random.IntN(mortals)]
		for _, i := range struck {
			moment(random, 5*time.Millisecond)
			victims[i].kill()
			kills++
		}
		h.audit() // while the others go on
		for _, i := range struck {
			victims[i].again()
		}
	}
	l.await(20)
	stopSenders()
	l.complete(near, far, consumer)
	stopReaders()
	report(t, "kill -9 of stdio processes", n, verify(t, h, l, near, far, consumer, box),
		"kills", kills, "calls-of-survivors", survivors[0].calls.Load()+survivors[1].calls.Load())
}
