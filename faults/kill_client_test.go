package faults

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// A sender dies after any number of bytes of its request, the last one included,
// and comes back with the same letter. It is stored once, and half a request
// stores nothing.
func TestKillClient_request(t *testing.T) {
	t.Parallel()
	const channel = "plans"
	n, random := rounds(t, 2), chance()
	h := newHome(t)
	s := h.serve()
	l := newLedger(t)
	reader := newReading(t, "the reader", channel)
	others, stop := group(t)
	others(func(ctx context.Context) { l.talk(ctx, overHTTP(t, s.url), channel, "other") })
	others(func(ctx context.Context) { reader.follow(ctx, overHTTP(t, s.url)) })
	survivor := overMCP(t, s.url)
	whole := 0
	for range n {
		for _, door := range slices.Sorted(maps.Keys(frailDoors)) {
			m := l.next(channel, "mortal", 200)
			f := frailDoors[door](s)
			request := f.call("bridge_send", args{"channel": channel, "sender": m.sender, "content": m.text, "idempotency_key": m.key})
			cut := len(request)
			if random.IntN(3) > 0 {
				cut = random.IntN(len(request) + 1)
			}
			f.say(t, request[:cut])
			f.die()
			l.deliver(t.Context(), m, func(ctx context.Context) (sent, error) {
				got, err := survivor.send(ctx, channel, m.sender, m.text, m.key)
				if err == nil && got.repeated && cut < len(request)-1 { // -1: a line's end
					t.Errorf("%s: %d bytes of a request of %d stored a message", door, cut, len(request))
				}
				if got.repeated {
					whole++
				}
				return got, err
			})
		}
	}
	l.await(20)
	l.complete(reader)
	stop()
	report(t, "clients that die in the middle of a send", n, verify(t, h, l, reader), "clients", 3*n, "stored-before", whole)
}

// Readers die while they wait and while they read what came, after any number
// of bytes, under the name of a consumer. The bridge believes none of them that it
// has read anything: the one that comes last gets all.
func TestKillClient_reader(t *testing.T) {
	t.Parallel()
	const channel = "plans"
	n, random := rounds(t, 2), chance()
	h := newHome(t)
	s := h.serve()
	l := newLedger(t)
	consumer := newReading(t, "the consumer", channel)
	beside := h.stdio()
	senders, stopSenders := group(t)
	senders(func(ctx context.Context) { l.talk(ctx, overHTTP(t, s.url), channel, "http") })
	senders(func(ctx context.Context) { l.talk(ctx, beside, channel, "stdio") })
	waiting := args{"channel": channel, "consumer_id": "team", "timeout_seconds": 30}
	for range n {
		for _, door := range slices.Sorted(maps.Keys(frailDoors)) {
			f := frailDoors[door](s)
			f.say(t, f.call("bridge_wait", waiting))
			f.hear(random.Int64N(2000), 2*time.Millisecond)
			f.die()
		}
	}
	l.await(20)
	stopSenders()
	quiet := frailDoors["mcp"](s) // it has seen all, and waits for more than there is
	quiet.say(t, quiet.call("bridge_wait", args{"channel": "nothing yet", "consumer_id": "team", "timeout_seconds": 30}))
	quiet.die()
	readers, stopReaders := group(t)
	readers(func(ctx context.Context) { consumer.consume(ctx, overMCP(t, s.url), "team") })
	l.complete(consumer)
	stopReaders()
	report(t, "clients that die in a wait or in its answer", n, verify(t, h, l, consumer), "clients", 3*n+1)
}

// A client dies in the middle of the answer to check_messages. What it held
// counts as unread, and whoever asks next gets it, with a mark.
func TestKillClient_check(t *testing.T) {
	t.Parallel()
	n := rounds(t, 1)
	h := newHome(t)
	s := h.serve()
	l := newLedger(t)
	healthy := overMCP(t, s.url)
	doors := []string{"stdio", "mcp"} // the JSON API has no seats
	if !narrows {
		doors = doors[:1] // a connection would hold all of the answer
	}
	var boxes []*reading
	for range n {
		for _, door := range doors {
			first, second := healthy.converse(t)
			box := newReading(t, "seat b, after a client at "+door, first.conversation)
			box.seat = second
			boxes = append(boxes, box)
			for range 2 {
				m := l.next(first.conversation, "a", 35_000) // as text and as data more than a pipe holds
				l.deliver(t.Context(), m, func(ctx context.Context) (sent, error) { return healthy.tell(ctx, first, m.text, m.key) })
			}
			f := frailDoors[door](s)
			f.say(t, f.call("check_messages", second.args(args{})))
			f.until(t, `"content"`)
			f.die()
			wantUnread(t, healthy, first, 2)
			takeAgain(t, healthy, box, 2)
		}
	}
	report(t, "clients that die in the answer to check_messages", n, verify(t, h, l, boxes...), "clients", len(boxes))
}

// takeAgain takes so many messages for a seat, all of them marked.
func takeAgain(t testing.TB, a tools, box *reading, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	for len(box.ids) < want {
		list, err := a.check(ctx, box.seat)
		if err != nil {
			t.Fatalf("%s: %d messages came again (%v), want %d", box.name, len(box.ids), err, want)
		}
		for _, m := range list {
			if !m.again {
				t.Errorf("%s: message %s came again without a mark", box.name, m.id)
			}
		}
		box.add(list...)
		pause(ctx)
	}
}

// wantUnread checks how many messages of a seat its partner has not read.
func wantUnread(t testing.TB, a tools, s seat, want int) {
	t.Helper()
	d, err := a.call(t.Context(), "check_partner_status", s.args(args{}))
	if err != nil || fmt.Sprint(d["unread_by_partner"]) != fmt.Sprint(want) {
		t.Errorf("check_partner_status: %v messages unread (%v), want %d", d["unread_by_partner"], err, want)
	}
}

// Clients die at any moment of check_messages. What had reached their machine by
// then may count as read, and nothing else.
func TestKillClient_estate(t *testing.T) {
	t.Parallel()
	n, random := rounds(t, 2), chance()
	h := newHome(t)
	s := h.serve()
	l := newLedger(t)
	teller := overMCP(t, s.url)
	first, second := teller.converse(t)
	box := newReading(t, "seat b", first.conversation)
	box.seat = second
	senders, stop := group(t)
	senders(func(ctx context.Context) { l.tell(ctx, teller, first) })
	for range n {
		for _, door := range []string{"mcp", "stdio"} {
			l.await(1) // something to take
			f := frailDoors[door](s)
			f.say(t, f.call("check_messages", second.args(args{})))
			moment(random, 3*time.Millisecond)
			f.leave()
			estate, _ := io.ReadAll(f.in) // what was cut short is no answer
			f.die()
			box.add(inherited(estate)...)
		}
	}
	stop()
	report(t, "clients that die at any moment of check_messages", n, verify(t, h, l, box), "clients", 2*n)
}

// inherited are the messages in what a dead client had received: a response of
// HTTP, or lines.
func inherited(estate []byte) (list []message) {
	for line := range strings.Lines(string(estate)) {
		line = strings.TrimPrefix(line, "data: ")
		if !strings.HasPrefix(line, `{"jsonrpc"`) {
			continue
		}
		if d, err := answered([]byte(line)); err == nil {
			list = append(list, messagesOf(d, "message")...)
		}
	}
	return list
}
