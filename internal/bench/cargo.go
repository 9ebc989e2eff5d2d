package bench

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// cargo is messages that lie in a target so that something can be measured with
// them there. Each channel has one sender, so that what was sent is known by its
// numbers alone: a million messages need no ledger.
type cargo struct {
	agents []Agent
	ledger *Ledger        // writes the letters; of what was acknowledged it knows nothing
	names  []string       // of the channels
	size   int            // of a message, in bytes
	sent   []int          // letters of each channel that were sent or tried
	unsure []map[int]bool // which of them were not answered: they may be there
}

// newCargo prepares channels, numbered from first on among the run's.
func (r *Run) newCargo(agents []Agent, first, channels, size int) *cargo {
	c := &cargo{ledger: NewLedger(r.ID), agents: agents, size: size, sent: make([]int, channels), unsure: make([]map[int]bool, channels)}
	for i := range channels {
		c.names = append(c.names, r.Channel(first+i))
		c.unsure[i] = map[int]bool{}
	}
	return c
}

// each lets every agent do something with its own channels and waits for all.
// It returns the first error.
func (c *cargo) each(do func(agent Agent, i int, channels []int) error) error {
	errs := make([]error, len(c.agents))
	var all sync.WaitGroup
	for i, a := range c.agents {
		var own []int
		for ch := i; ch < len(c.names); ch += len(c.agents) {
			own = append(own, ch)
		}
		all.Go(func() { errs[i] = do(a, i, own) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fill sends until there are total messages, spread over the channels.
func (c *cargo) fill(ctx context.Context, total int) (*tally, time.Duration, error) {
	tallies := make([]tally, len(c.agents))
	start := time.Now()
	err := c.each(func(a Agent, i int, channels []int) error {
		for _, ch := range channels {
			share := total / len(c.names)
			if ch < total%len(c.names) {
				share++
			}
			for c.sent[ch] < share {
				if err := c.send(ctx, a, ch, &tallies[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	sum := &tally{}
	for i := range tallies {
		sum.join(&tallies[i])
	}
	return sum, time.Since(start), err
}

// mostFailures is how many sends on one channel may fail before it gives up: what
// is to be measured needs the messages there.
const mostFailures = 20

// send sends a channel's next letter once. One that was refused by a limit is
// still the next one afterwards.
func (c *cargo) send(ctx context.Context, a Agent, ch int, t *tally) error {
	letter := c.ledger.Letter(ch, c.sent[ch], c.size)
	err := t.time(func() error {
		_, err := a.Send(ctx, c.names[ch], letter, "")
		return err
	})
	if wait, limited := retryAfter(err); limited {
		return pause(ctx, wait)
	}
	if err != nil {
		c.unsure[ch][c.sent[ch]] = true
		if len(c.unsure[ch]) >= mostFailures {
			return fmt.Errorf("fill channels: %w", err)
		}
	}
	c.sent[ch]++
	return ctx.Err()
}

// total is how many messages were sent.
func (c *cargo) total() (n int) {
	for _, s := range c.sent {
		n += s
	}
	return n
}

func (c *cargo) inWords() string { return plural(c.total(), "message") }

// check reads everything back and adds to a result what is not as it was sent.
func (c *cargo) check(ctx context.Context, res *Result) error {
	found := make([]Result, len(c.agents))
	err := c.each(func(a Agent, i int, channels []int) error {
		for _, ch := range channels {
			if err := c.checkChannel(ctx, a, ch, &found[i]); err != nil {
				return err
			}
		}
		return nil
	})
	for _, f := range found {
		res.Lost += f.Lost
		res.Duplicated += f.Duplicated
		res.Disordered += f.Disordered
	}
	return err
}

func (c *cargo) checkChannel(ctx context.Context, a Agent, ch int, res *Result) error {
	l, read := NewLedger(c.ledger.run), Reading{}
	for n := range c.sent[ch] { // ids are not compared: they were not kept
		l.tried[l.letterName(ch, n)] = true
	}
	if err := readAll(ctx, a, c.names[ch], l, &read); err != nil {
		return err
	}
	for n := range c.sent[ch] {
		if _, there := read.ids[l.letterName(ch, n)]; !there && !c.unsure[ch][n] {
			res.Lost++
		}
	}
	l.Compare(&read, res, nil)
	return nil
}

// tidy is clear for the end of a scenario, however it ends: the server may be
// somebody's. Its error is the scenario's if that has none.
func (c *cargo) tidy(ctx context.Context, failed *error) {
	patience := time.Minute
	if ctx.Err() != nil { // somebody waits for us to end
		patience = 3 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := c.clear(ctx); *failed == nil {
		*failed = err
	}
}

// clear removes the messages again.
func (c *cargo) clear(ctx context.Context) error {
	return c.each(func(a Agent, _ int, channels []int) error {
		for _, ch := range channels {
			err := a.Clear(ctx, c.names[ch])
			if wait, limited := retryAfter(err); limited && pause(ctx, wait) == nil {
				err = a.Clear(ctx, c.names[ch])
			}
			if err != nil {
				return fmt.Errorf("clear the channel %s: %w", c.names[ch], err)
			}
		}
		return nil
	})
}
