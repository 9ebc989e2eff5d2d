package bench

import (
	"context"
	"sync"
	"time"
)

// noise is agents that send, each on a channel of its own and as fast as it is
// answered, while something else is measured. Everything they were promised is
// checked.
type noise struct {
	agents  []Agent
	names   []string  // of the channels
	ledgers []*Ledger // one for each
	size    int

	quit    context.CancelFunc // ends the loops; no call is broken off
	began   time.Time
	all     sync.WaitGroup
	tallies []tally
}

// newNoise prepares it, with channels numbered from first on.
func (r *Run) newNoise(agents []Agent, first int) *noise {
	n := &noise{agents: agents, size: r.Settings.Size, tallies: make([]tally, len(agents))}
	for i := range agents {
		n.names = append(n.names, r.Channel(first+i))
		n.ledgers = append(n.ledgers, NewLedger(r.ID))
	}
	return n
}

// start begins to send; whoever calls it calls stop.
func (n *noise) start(ctx context.Context) {
	on, quit := context.WithCancel(ctx)
	n.quit, n.began = quit, time.Now()
	for i := range n.agents {
		n.all.Go(func() {
			for letter := 0; on.Err() == nil; letter++ {
				n.send(ctx, on, i, letter)
			}
		})
	}
}

func (n *noise) send(ctx, on context.Context, i, number int) {
	ledger := n.ledgers[i]
	letter := ledger.Letter(i, number, n.size)
	err := n.tallies[i].time(func() error {
		id, err := n.agents[i].Send(ctx, n.names[i], letter, "")
		if err == nil {
			ledger.Acked(letter, id)
		}
		return err
	})
	if err != nil {
		ledger.Unknown(letter)
		wait, _ := retryAfter(err)
		_ = pause(on, max(wait, afterError)) // the loop looks at it itself
	}
}

// stop ends the sending and tells what was sent in which time.
func (n *noise) stop() (*tally, time.Duration) {
	n.quit()
	n.all.Wait()
	elapsed, sum := time.Since(n.began), &tally{}
	for i := range n.tallies {
		sum.join(&n.tallies[i])
	}
	return sum, elapsed
}

// check reads everything back, adds to a result what is not as it was sent, and
// removes the messages.
func (n *noise) check(ctx context.Context, res *Result) error {
	for i, a := range n.agents {
		var read Reading
		if err := readAll(ctx, a, n.names[i], n.ledgers[i], &read); err != nil {
			return err
		}
		n.ledgers[i].Compare(&read, res, nil)
		if err := a.Clear(ctx, n.names[i]); err != nil {
			return err
		}
	}
	return nil
}
