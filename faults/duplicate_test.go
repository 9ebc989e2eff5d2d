package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"agentbridge"
)

// sixteen are clients of one bridge: of the JSON API, of /mcp, and of
// processes of their own.
func sixteen(t testing.TB, h *home, s *server) (list []agent, talkers []tools) {
	t.Helper()
	for range 6 {
		list = append(list, overHTTP(t, s.url))
	}
	for range 6 {
		talkers = append(talkers, overMCP(t, s.url))
	}
	for range 4 {
		talkers = append(talkers, h.stdio().tools)
	}
	for _, a := range talkers {
		list = append(list, a)
	}
	return list, talkers
}

// atOnce calls f for each client of a list, all at the same time, and returns
// what they were told.
func atOnce[A any](clients []A, f func(i int, a A) (sent, error)) ([]sent, []error) {
	answers, errs := make([]sent, len(clients)), make([]error, len(clients))
	start := make(chan struct{})
	var members sync.WaitGroup
	for i, a := range clients {
		members.Go(func() {
			<-start
			answers[i], errs[i] = f(i, a)
		})
	}
	close(start)
	members.Wait()
	return answers, errs
}

// Sixteen clients send the same with the same key at once, through every door.
// One message is stored and all are told its id. Then they send other texts with
// that key: all are refused, and nothing is stored. And of two texts that race
// for one key, one wins at every door.
func TestDuplicate(t *testing.T) {
	t.Parallel()
	const channel = "plans"
	n := rounds(t, 2)
	h := newHome(t)
	s := h.serve()
	l := newLedger(t)
	clients, talkers := sixteen(t, h, s)
	first, second := talkers[0].converse(t)
	box, reader := newReading(t, "seat b", first.conversation), newReading(t, "the reader", channel)
	box.seat = second
	conflicts := 0
	for range n {
		m := l.next(channel, "many", 200)
		answers, errs := atOnce(clients, func(_ int, a agent) (sent, error) {
			return a.send(t.Context(), channel, m.sender, m.text, m.key)
		})
		wantOne(t, l, m, answers, errs)

		_, errs = atOnce(clients, func(i int, a agent) (sent, error) {
			return a.send(t.Context(), channel, m.sender, fmt.Sprint("another text ", i), m.key)
		})
		for i, err := range errs {
			wantConflict(t, i, err)
			conflicts++
		}
		conflicts += race(t, l, clients, channel)

		m = l.next(first.conversation, first.id, 200)
		answers, errs = atOnce(talkers, func(_ int, a tools) (sent, error) { return a.tell(t.Context(), first, m.text, m.key) })
		wantOne(t, l, m, answers, errs)
	}
	readers, stop := group(t)
	readers(func(ctx context.Context) { reader.follow(ctx, overHTTP(t, s.url)) })
	l.complete(reader)
	stop()
	report(t, "one send from 16 clients at once", n, verify(t, h, l, reader, box), "sends", n*(3*len(clients)+len(talkers)), "conflicts", conflicts)
}

// wantOne checks that all were told the same id, and all but one that it was
// stored before.
func wantOne(t testing.TB, l *ledger, m *letter, answers []sent, errs []error) {
	t.Helper()
	stored := 0
	for i, got := range answers {
		if errs[i] != nil {
			t.Errorf("client %d: %v", i, errs[i])
			continue
		}
		l.acked(m, got) // which compares the ids
		if !got.repeated {
			stored++
		}
	}
	if stored != 1 {
		t.Errorf("%d clients were told that they stored letter %d of %s, want 1", stored, m.number, m.sender)
	}
}

// wantConflict checks that a key was refused because it stands for another text.
func wantConflict(t testing.TB, client int, err error) {
	t.Helper()
	if agentbridge.CodeOf(err) != agentbridge.Conflict && (err == nil || !strings.Contains(err.Error(), "already used for different message content")) {
		t.Errorf("client %d sent another text with a used key: %v; want a conflict", client, err)
	}
}

// race lets two texts race for one key and returns how many clients lost.
func race(t testing.TB, l *ledger, clients []agent, channel string) (losers int) {
	t.Helper()
	texts := []*letter{l.next(channel, "racers", 200), l.next(channel, "racers", 200)}
	answers, errs := atOnce(clients, func(i int, a agent) (sent, error) {
		return a.send(t.Context(), channel, "racers", texts[i%2].text, texts[0].key)
	})
	won := 0
	for i := range texts { // the text that somebody was answered
		for j := i; j < len(clients); j += 2 {
			if errs[j] == nil {
				won = i
			}
		}
	}
	for i, got := range answers {
		if i%2 == won {
			if errs[i] != nil {
				t.Errorf("client %d sent the text that won: %v", i, errs[i])
				continue
			}
			l.acked(texts[won], got)
		} else {
			wantConflict(t, i, errs[i])
			losers++
		}
	}
	return losers
}
