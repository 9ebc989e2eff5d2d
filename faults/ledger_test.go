package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// letter is a message that was sent, or may have been.
type letter struct {
	channel, sender string // a conversation's messages have its id and the seat
	number          int    // of this sender on this channel, from 0
	text, key       string
	keyed           bool   // it was only ever sent with its key, so it may be there once
	id              string // under which it was acknowledged, "" if it was not
}

// ledger is what senders were told. It is safe for concurrent use.
type ledger struct {
	t testing.TB

	mu      sync.Mutex // guards the fields below
	letters map[string]*letter
	numbers map[string]int // of the next letter, by channel and sender
	acks    int
	reached map[int]chan struct{} // closed when so many were acknowledged
}

func newLedger(t testing.TB) *ledger {
	return &ledger{t: t, letters: map[string]*letter{}, numbers: map[string]int{}, reached: map[int]chan struct{}{}}
}

// next writes a sender's next letter on a channel, of about size bytes. A sender
// sends its letters in this order, each when the one before it is acknowledged.
func (l *ledger) next(channel, sender string, size int) *letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.numbers[channel+" "+sender]
	l.numbers[channel+" "+sender]++
	text := fmt.Sprintf("%s %s %d ", channel, sender, n)
	text += strings.Repeat("lorem ipsum ", max(0, size-len(text))/12)
	m := &letter{channel: channel, sender: sender, number: n, text: text, key: fmt.Sprintf("%s.%d", sender, n), keyed: true}
	l.letters[text] = m
	return m
}

// acked notes that a letter was acknowledged: each time with the same id.
func (l *ledger) acked(m *letter, s sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.id != "" {
		if m.id != s.id {
			l.t.Errorf("letter %d of %s was acknowledged as %s, and then as %s", m.number, m.sender, m.id, s.id)
		}
		return
	}
	m.id = s.id
	l.acks++
	if c := l.reached[l.acks]; c != nil {
		close(c)
	}
}

// acknowledged is how many letters were.
func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acks
}

// await blocks until n more letters are acknowledged.
func (l *ledger) await(n int) {
	l.t.Helper()
	l.mu.Lock()
	c := l.reached[l.acks+n]
	if c == nil {
		c = make(chan struct{})
		l.reached[l.acks+n] = c
	}
	l.mu.Unlock()
	within(l.t, fmt.Sprintf("%d more acknowledgements", n), c)
}

// within waits for a channel to be closed or to give something.
func within[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	select {
	case v = <-c:
	case <-ctx.Done():
		t.Fatalf("%s: nothing after %v", what, hang)
	}
	return v
}

// of returns the letters of a channel.
func (l *ledger) of(channel string) (list []*letter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.letters {
		if m.channel == channel {
			list = append(list, m)
		}
	}
	return list
}

// deliver sends one letter until it is acknowledged or ctx ends, with the same
// key each time. It tells whether it was.
func (l *ledger) deliver(ctx context.Context, m *letter, send func(context.Context) (sent, error)) bool {
	for {
		s, err := send(ctx)
		switch {
		case err == nil:
			l.acked(m, s)
			return true
		case ctx.Err() != nil:
			return false
		case refused(err):
			l.t.Errorf("letter %d of %s was refused: %v", m.number, m.sender, err)
			return false
		}
		if !pause(ctx) {
			return false
		}
	}
}

// talk sends letters on a channel until ctx ends or one
// is refused.
func (l *ledger) talk(ctx context.Context, a agent, channel, sender string) {
	for ctx.Err() == nil {
		m := l.next(channel, sender, 200)
		if !l.deliver(ctx, m, func(ctx context.Context) (sent, error) { return a.send(ctx, channel, sender, m.text, m.key) }) {
			return
		}
	}
}

// blurt sends letters without a key, and again if no answer comes: they may be
// there several times.
func (l *ledger) blurt(ctx context.Context, a agent, channel, sender string) {
	for ctx.Err() == nil {
		m := l.next(channel, sender, 200)
		m.keyed = false
		if !l.deliver(ctx, m, func(ctx context.Context) (sent, error) { return a.send(ctx, channel, sender, m.text, "") }) {
			return
		}
	}
}

// tell sends letters to the partner of a seat until ctx ends or one
// is refused.
func (l *ledger) tell(ctx context.Context, a tools, from seat) {
	for ctx.Err() == nil {
		m := l.next(from.conversation, from.id, 200)
		if !l.deliver(ctx, m, func(ctx context.Context) (sent, error) { return a.tell(ctx, from, m.text, m.key) }) {
			return
		}
	}
}
