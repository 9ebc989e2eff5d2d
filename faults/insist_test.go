package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// insistent is a sender whose bridge may refuse it for a while. It sends each
// letter until it is acknowledged, and others can wait for what it meets.
type insistent struct {
	t       testing.TB
	ledger  *ledger
	agent   agent
	name    string
	channel string
	size    int      // of a letter, in bytes
	restful bool     // it pauses behind each letter
	passing []string // what refusals say that end by themselves; others fail the test

	mu      sync.Mutex // guards the fields below
	met     encounters
	changed chan struct{}
}

// encounters is how a sender fared.
type encounters struct {
	acked, refused int
	reason         string // of the last refusal
}

func (l *ledger) insistent(a agent, channel, name string, passing ...string) *insistent {
	return &insistent{t: l.t, ledger: l, agent: a, name: name, channel: channel, size: 200, passing: passing, changed: make(chan struct{})}
}

// talk sends until ctx ends.
func (s *insistent) talk(ctx context.Context) {
	for ctx.Err() == nil {
		m := s.ledger.next(s.channel, s.name, s.size)
		for ctx.Err() == nil && !s.try(ctx, m) {
			pause(ctx)
		}
		if s.restful {
			pause(ctx)
		}
	}
}

// try sends a letter once.
func (s *insistent) try(ctx context.Context, m *letter) bool {
	got, err := s.agent.send(ctx, s.channel, s.name, m.text, m.key)
	switch {
	case err == nil:
		s.ledger.acked(m, got)
		s.note(func(e *encounters) { e.acked++ })
	case ctx.Err() == nil && refused(err):
		s.allow(err)
		s.note(func(e *encounters) { e.refused, e.reason = e.refused+1, err.Error() })
	}
	return err == nil
}

// allow fails the test if a refusal is not one that is to be expected.
func (s *insistent) allow(err error) {
	for _, words := range s.passing {
		if strings.Contains(err.Error(), words) {
			return
		}
	}
	s.t.Errorf("%s was refused: %v", s.name, err)
}

func (s *insistent) note(what func(*encounters)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what(&s.met)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *insistent) now() (encounters, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.met, s.changed
}

// until waits for a sender to have met more of something than it has now, and
// returns how much more.
func (s *insistent) until(what string, enough func(since encounters) bool) (since encounters) {
	s.t.Helper()
	before, _ := s.now()
	ctx, cancel := context.WithTimeout(s.t.Context(), hang)
	defer cancel()
	for {
		met, changed := s.now()
		since = encounters{met.acked - before.acked, met.refused - before.refused, met.reason}
		if enough(since) {
			return since
		}
		select {
		case <-changed:
		case <-ctx.Done():
			s.t.Fatalf("%s: no %s after %v, but %+v", s.name, what, hang, since)
		}
	}
}

// goesOn waits until n more letters are acknowledged.
func (s *insistent) goesOn(n int) {
	s.t.Helper()
	s.until(fmt.Sprintf("%d acknowledgements", n), func(e encounters) bool { return e.acked >= n })
}

// isRefused waits until letters are refused n times, and returns what was said.
func (s *insistent) isRefused(n int) (reason string) {
	s.t.Helper()
	return s.until(fmt.Sprintf("%d refusals", n), func(e encounters) bool { return e.refused >= n }).reason
}

// isAnswered waits for either, and tells which.
func (s *insistent) isAnswered() (acked bool) {
	s.t.Helper()
	return s.until("answer", func(e encounters) bool { return e.acked+e.refused > 0 }).acked > 0
}

// crowd is senders and readers at work. Its end is the end of its test at the
// latest.
type crowd struct {
	sending, reading context.Context
	quiet, leave     context.CancelFunc
	senders, readers sync.WaitGroup
}

func begin(t testing.TB) *crowd {
	var c crowd
	c.sending, c.quiet = context.WithCancel(t.Context())
	c.reading, c.leave = context.WithCancel(t.Context())
	return &c
}

func (c *crowd) send(list ...*insistent) {
	for _, s := range list {
		c.senders.Go(func() { s.talk(c.sending) })
	}
}

func (c *crowd) read(f func(context.Context)) {
	c.readers.Go(func() { f(c.reading) })
}

// finish lets senders end and readers get the rest.
func (c *crowd) finish(l *ledger, readings ...*reading) {
	l.t.Helper()
	c.quiet()
	c.senders.Wait()
	l.complete(readings...)
	c.end()
}

// end ends all at once.
func (c *crowd) end() {
	c.quiet()
	c.leave()
	c.senders.Wait()
	c.readers.Wait()
}
