package bench

import (
	"context"
	"time"

	"agentbridge"
)

// again is how long one who was not answered waits before the next attempt.
const again = 20 * time.Millisecond

// comeback is an agent that survives its server: when a call fails it makes a
// new connection, under the same name. One goroutine at a time.
type comeback struct {
	target *Target
	door   Door
	name   string
	agent  Agent // nil while it has no connection
	failed tally
}

// call makes one attempt.
func (c *comeback) call(ctx context.Context, do func(Agent) error) error {
	err := c.attempt(ctx, do)
	if err == nil || ctx.Err() != nil {
		return err
	}
	c.failed.fail(err)
	if agentbridge.CodeOf(err) != agentbridge.RateLimited {
		c.close()
	}
	return err
}

func (c *comeback) attempt(ctx context.Context, do func(Agent) error) error {
	if c.agent == nil {
		a, err := c.target.Enter(ctx, c.door, c.name)
		if err != nil {
			return err
		}
		c.agent = a
	}
	return do(c.agent)
}

func (c *comeback) close() {
	if c.agent != nil {
		leave([]Agent{c.agent})
	}
	c.agent = nil
}

// voice is a sender.
type voice struct {
	*comeback
	soak   *soak
	number int
	sent   [soakWorkers + 1]int // letters in each channel
	took   Timings
}

// work sends at the voice's pace until stop. What is not answered is sent
// again, with the same key.
func (v *voice) work(ctx context.Context, stop <-chan struct{}) {
	defer v.close()
	pace := time.NewTicker(workerPace)
	if v.number == 0 {
		pace.Reset(leadPace)
	}
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-stop:
			return
		case <-pace.C:
		}
		channel := 0
		if v.number == 0 {
			channel = 1 + n%soakWorkers
		}
		v.say(ctx, channel)
	}
}

func (v *voice) say(ctx context.Context, channel int) {
	sender := v.number*(soakWorkers+1) + channel
	letter := v.soak.ledger.Letter(sender, v.sent[channel], v.soak.run.Settings.Size)
	v.sent[channel]++
	start := time.Now()
	id, err := v.insist(ctx, v.soak.readers[channel].channel, letter, textID(letter))
	v.soak.ledger.outcome(letter, id, err)
	if err == nil {
		v.took.Add(time.Since(start))
		v.soak.pulse.beat()
	}
}

// insist sends until it is answered, or ctx ends.
func (c *comeback) insist(ctx context.Context, channel, text, key string) (id string, err error) {
	for {
		err = c.call(ctx, func(a Agent) (err error) {
			id, err = a.Send(ctx, channel, text, key)
			return err
		})
		if err == nil || pause(ctx, again) != nil {
			return id, err
		}
	}
}

// reader follows a channel to its end.
type reader struct {
	*comeback
	soak    *soak
	channel string
	after   string
	got     Reading
}

func (r *reader) follow(ctx context.Context) {
	defer r.close()
	for ctx.Err() == nil {
		page, err := r.next(ctx)
		for _, m := range page {
			r.after = m.ID
			r.got.Add(r.soak.ledger, m)
			if m.Content == endMark {
				return
			}
		}
		if err != nil || len(page) == 0 {
			_ = pause(ctx, again) // the loop looks at ctx itself
		}
	}
}

// next takes what is behind the last message that it has, and blocks if it has
// one. Nothing is skipped when the server was away: the reader knows where it is.
// If the bridge does not know that message any more it begins anew; what is
// missing then shows when what is stored is compared.
func (r *reader) next(ctx context.Context) (page []Message, err error) {
	err = r.call(ctx, func(a Agent) (err error) {
		if r.after == "" {
			page, err = a.Read(ctx, r.channel, "", agentbridge.MaxPage)
		} else {
			page, err = a.Wait(ctx, r.channel, r.after, 5*time.Second)
		}
		return err
	})
	if agentbridge.CodeOf(err) == agentbridge.NotFound {
		r.after = ""
	}
	return page, err
}
