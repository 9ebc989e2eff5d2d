package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
)

// paper is a stdout on which a test sees each line as it comes.
type paper chan string

func (p paper) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		_, content, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "Z ")
		p <- content
	}
	return len(text), nil
}

// tailOn makes a tail that prints on paper.
func tailOn(channel agentbridge.ChannelName) (t *tailing, lines paper, prose *bytes.Buffer) {
	lines, prose = make(paper, 100), &bytes.Buffer{}
	return &tailing{channel: channel, last: 10, printer: printer{out: lines}, prose: prose, outage: outage{prose: prose}}, lines, prose
}

// between does something when the first read has been answered.
type between struct {
	agentbridge.Session
	do func()
}

func (b *between) Read(ctx context.Context, r agentbridge.ReadRequest) (agentbridge.Page, error) {
	page, err := b.Session.Read(ctx, r)
	if do := b.do; do != nil {
		b.do = nil
		do()
	}
	return page, err
}

// Between the look at the last messages and the beginning of the feed anything
// can happen; nothing of it may be lost, or come twice.
func TestTail_whatHappensWhileItBegins(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*bridgetest.Agent)
		while  func(*bridgetest.Agent)
		want   []string
	}{
		"a message, in a channel that was never used": {
			func(*bridgetest.Agent) {},
			func(a *bridgetest.Agent) { a.MustSend("c", "first") },
			[]string{"a: first", "a: last"},
		},
		"a message, in a channel that was cleared": {
			func(a *bridgetest.Agent) { a.MustSend("c", "gone"); a.Clear(t.Context(), "c") },
			func(a *bridgetest.Agent) { a.MustSend("c", "first") },
			[]string{"a: first", "a: last"},
		},
		"a message": {
			func(a *bridgetest.Agent) { a.MustSend("c", "old") },
			func(a *bridgetest.Agent) { a.MustSend("c", "new") },
			[]string{"a: old", "a: new", "a: last"},
		},
		"a clear and a message": {
			func(a *bridgetest.Agent) { a.MustSend("c", "old") },
			func(a *bridgetest.Agent) { a.Clear(t.Context(), "c"); a.MustSend("c", "new") },
			[]string{"a: old", "a: new", "a: last"},
		},
		"more messages than were asked for": {
			func(a *bridgetest.Agent) {
				for i := range 13 {
					a.MustSend("c", fmt.Sprint(i))
				}
			},
			func(*bridgetest.Agent) {},
			[]string{"a: 3", "a: 4", "a: 5", "a: 6", "a: 7", "a: 8", "a: 9", "a: 10", "a: 11", "a: 12", "a: last"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := bridgetest.New(t).Agent("a")
			c.before(a)
			tail, lines, prose := tailOn("c")
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			begun := make(chan bool)
			go func() { ended <- tail.begin(ctx, &between{a.Session, func() { c.while(a); close(begun) }}) }()
			<-begun
			a.MustSend("c", "last")
			var got []string
			for range c.want {
				got = append(got, within(t, 10*time.Second, "a line", lines))
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("tail ended with %v", err)
			}
			if len(lines) > 0 || !slices.Equal(got, c.want) || prose.Len() > 0 {
				t.Errorf("tail printed %q and %d more lines, want %q; and said %q", got, len(lines), c.want, prose)
			}
		})
	}
}

// The last messages are as many as were asked for even if they fill several
// pages.
func TestNewest_largeMessages(t *testing.T) {
	a := bridgetest.New(t).Agent("a")
	large := strings.Repeat("x", agentbridge.MaxContent-1)
	for i := range 9 {
		a.MustSend("c", fmt.Sprint(i)+large)
	}
	list, err := newest(t.Context(), a, "c", 8)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, m := range list {
		got += m.Content[:1]
	}
	if got != "12345678" {
		t.Errorf("newest 8 of 012345678 are %s", got)
	}
}

// shaky is a bridge that fails as often as it is told.
type shaky struct {
	agentbridge.Session
	waits, acks []error // of the next calls
}

func fail(list *[]error) error {
	if len(*list) == 0 {
		return nil
	}
	err := (*list)[0]
	*list = (*list)[1:]
	return err
}

func (s *shaky) Wait(ctx context.Context, r agentbridge.ReadRequest, timeout time.Duration) (agentbridge.Page, error) {
	if err := fail(&s.waits); err != nil {
		return agentbridge.Page{}, err
	}
	return s.Session.Wait(ctx, r, timeout)
}

func (s *shaky) Ack(ctx context.Context, a agentbridge.Ack) (agentbridge.Cursor, error) {
	if err := fail(&s.acks); err != nil {
		return agentbridge.Cursor{}, err
	}
	return s.Session.Ack(ctx, a)
}

func TestTail_consumer(t *testing.T) {
	gone := agentbridge.Refuse(agentbridge.Unreachable, "", "nobody answers")
	busy := &agentbridge.Error{Code: agentbridge.Busy, Message: "later", RetryAfter: time.Minute}
	denied := agentbridge.Refuse(agentbridge.Unauthenticated, "", "wrong token")
	for name, c := range map[string]struct {
		waits, acks []error
		want        []string // lines before the end
		prose       string
		ends        error // by itself
	}{
		"is calm":                          {want: []string{"a: one", "a: two"}},
		"never reached the bridge":         {waits: []error{gone}, ends: gone},
		"survives an outage":               {waits: []error{nil, gone, gone, gone}, want: []string{"a: one", "a: two"}, prose: "does not answer"},
		"survives one before it acks":      {acks: []error{gone, busy}, want: []string{"a: one", "a: two"}, prose: "does not answer"},
		"acks what was removed":            {acks: []error{agentbridge.Refuse(agentbridge.NotFound, "", "")}, want: []string{"a: one", "a: one", "a: two"}},
		"does not insist without a permit": {waits: []error{nil, denied}, want: []string{"a: one"}, ends: denied},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := bridgetest.New(t).Agent("a")
				a.MustSend("c", "one")
				tail, lines, prose := tailOn("c")
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- tail.consume(ctx, &shaky{a.Session, c.waits, c.acks}, "team") }()
				time.Sleep(10 * time.Minute)
				if c.ends == nil {
					a.MustSend("c", "two")
				}
				time.Sleep(10 * time.Minute)
				cancel()
				err := <-ended
				close(lines)
				var got []string
				for line := range lines {
					got = append(got, line)
				}
				if want := cmp.Or(c.ends, context.Canceled); !errors.Is(err, want) || !slices.Equal(got, c.want) {
					t.Errorf("tail printed %q and ended with %v, want %q and %v", got, err, c.want, want)
				}
				if n := strings.Count(prose.String(), "does not answer"); (n == 1) != (c.prose != "") {
					t.Errorf("it said %q", prose)
				}
			})
		})
	}
}

// A tail that is told to end while it prints still acknowledges what it has
// printed, and does not wait for ever to do so.
func TestTail_consumerEndsWhilePrinting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := bridgetest.New(t).Agent("a")
		sent := a.MustSend("c", "one")
		tail, _, _ := tailOn("c")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := tail.acknowledge(ctx, a.Session, "team", sent.ID); err != nil {
			t.Errorf("acknowledge = %v", err)
		}
		bridgetest.NewAgent(t, a.Session, "team").WantRead("c")

		tail.outage.over()
		began := time.Now()
		gone := make([]error, 1000)
		for i := range gone {
			gone[i] = agentbridge.Refuse(agentbridge.Unreachable, "", "nobody answers")
		}
		if err := tail.acknowledge(ctx, &shaky{a.Session, nil, gone}, "team", sent.ID); !errors.Is(err, context.Canceled) {
			t.Errorf("acknowledge without a bridge = %v, want %v", err, context.Canceled)
		}
		if took := time.Since(began); took > ackTime {
			t.Errorf("it took %v to give up, want %v", took, ackTime)
		}
	})
}

// An outage is told once, and the next one again, even if nothing came between
// the two.
func TestOutage(t *testing.T) {
	var prose bytes.Buffer
	o := outage{prose: &prose}
	err := errors.New("no\x1b route")
	for _, wait := range []time.Duration{80, 150, 320, 5000, 3000, 60, 170} {
		o.lasts(err, wait*time.Millisecond)
	}
	o.over()
	o.over()
	o.lasts(err, time.Minute)
	const lost = "the bridge does not answer (no\\x1b route); trying again until it does\n"
	if want := lost + lost + "the bridge answers again\n" + lost; prose.String() != want {
		t.Errorf("it said %q, want %q", &prose, want)
	}
}

// Ctrl-C ends a tail that nobody reads any more.
func TestInterruptibly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stuck := make(chan struct{})
	defer close(stuck)
	_, err := interruptibly(ctx, time.Millisecond, func() (int, error) {
		cancel()
		<-stuck
		return 0, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a stuck write returned %v, want %v", err, context.Canceled)
	}
	n, err := interruptibly(ctx, time.Minute, func() (int, error) { return 3, nil })
	if n != 3 || err != nil {
		t.Errorf("a write that ends returned %v, %v, want its result, though it is time to end", n, err)
	}
}
