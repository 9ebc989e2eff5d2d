package bench

import (
	"context"
	"sync"
	"time"
)

// member is one who listens: by a stream, or where that is nil by waiting.
type member struct {
	agent  Agent
	stream Stream
	after  string // the last message it has
	got    Reading
	took   Timings
	broke  bool // it ended before its time
}

// listen lets all of them listen until stop, which waits for them.
func (a *audience) listen(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for i, l := range a.listeners {
		all.Go(func() { a.attend(ctx, i, l) })
	}
	return func() {
		cancel()
		for _, l := range a.listeners {
			if l.stream != nil {
				_ = l.stream.Close() // wakes who blocks in Next
			}
		}
		all.Wait()
	}
}

// attend is what one listener does: take, note the time, tell the sender.
func (a *audience) attend(ctx context.Context, who int, l *member) {
	for {
		got, err := l.next(ctx, a.channel)
		now := time.Now()
		if err != nil {
			l.broke = ctx.Err() == nil
			a.tell(ctx, arrival{who: who, err: err})
			return
		}
		for _, m := range got {
			l.after = m.ID
			if !l.got.Add(a.ledger, m) {
				continue
			}
			_, _, n, _ := parseText(m.Content)
			if start, ok := a.departed.of(n); ok {
				l.took.Add(now.Sub(start))
			}
			a.tell(ctx, arrival{who: who, letter: n})
		}
	}
}

func (a *audience) tell(ctx context.Context, what arrival) {
	select {
	case a.arrivals <- what:
	case <-ctx.Done():
	}
}

// next blocks until there is something.
func (l *member) next(ctx context.Context, channel string) ([]Message, error) {
	if l.stream == nil {
		return l.agent.Wait(ctx, channel, l.after, 20*time.Second)
	}
	m, err := l.stream.Next(ctx)
	return []Message{m}, err
}

// departures are the times at which letters were sent, by their number.
type departures struct {
	mu sync.RWMutex
	at []time.Time
}

// now notes the departure of the next letter; one that is not measured has no
// time.
func (d *departures) now(measured bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !measured {
		d.at = append(d.at, time.Time{})
		return
	}
	d.at = append(d.at, time.Now())
}

func (d *departures) of(n int) (time.Time, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if n < 0 || n >= len(d.at) || d.at[n].IsZero() {
		return time.Time{}, false
	}
	return d.at[n], true
}
