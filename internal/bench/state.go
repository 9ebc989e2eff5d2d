package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

var stateScenario = Scenario{
	Name:  "state",
	About: "the overview of all channels while many messages lie in 200 of them, asked for by one agent; alone, and while 10 others send; time of one overview",
	Run:   runState,
}

const (
	stateChannels = 200
	stateSenders  = 10
	stateSize     = 200 // bytes of a message
	stateMessages = 200_000
	fillers       = 50 // agents that fill channels
)

// brief tells whether the person wants to see that everything works rather than
// figures: what is prepared is small then.
func (r *Run) brief() bool { return r.Settings.Duration < 2*time.Second }

// messages is how many messages to prepare: the scenario's own number, 20,000
// if it shall be brief, and never more than the settings allow.
func (r *Run) messages(own int) int {
	if r.brief() {
		own = min(own, 20_000)
	}
	if r.Settings.Messages > 0 {
		own = min(own, r.Settings.Messages)
	}
	return own
}

// runState prepares one database for HTTP and MCP, which are doors of the same
// server, and one for the engine in this process.
func runState(ctx context.Context, r *Run) error {
	if r.Doors(Engine) != nil {
		if err := r.state(ctx, Engine, []Door{Engine}, 0); err != nil {
			return err
		}
	}
	if doors := r.Doors(HTTP, MCP); doors != nil {
		return r.state(ctx, HTTP, doors, stateChannels)
	}
	return nil
}

// state fills a database through one door and lists it through others.
func (r *Run) state(ctx context.Context, through Door, doors []Door, first int) (err error) {
	agents, err := r.Enter(ctx, through, fillers)
	if err != nil {
		return err
	}
	defer leave(agents)
	total := r.messages(stateMessages)
	c := r.newCargo(agents, first, stateChannels, stateSize)
	defer c.tidy(ctx, &err)
	r.Progress("%s, filling %d channels with %d messages", through, stateChannels, total)
	_, took, err := c.fill(ctx, total)
	if err != nil {
		return err
	}
	var results []Result
	for _, door := range doors {
		r.Progress("%s, with %d messages", door, c.total())
		both, e := r.list(ctx, door, c, first+stateChannels)
		if e != nil { // what became of the messages is said all the same
			results, err = append(results, Result{Door: door, Agents: 1, Case: c.inWords(), Note: "could not be measured"}), e
			break
		}
		both[0].figure("s filling", took.Seconds())
		both[0].figure("messages", float64(total))
		results = append(results, both...)
	}
	unread := c.check(ctx, &results[0])
	for _, res := range results {
		r.Add(res)
	}
	return cmp.Or(err, unread)
}

var errNoSend = errors.New("no send was answered")

// list measures one agent that asks for the overview, alone and in company.
func (r *Run) list(ctx context.Context, door Door, c *cargo, first int) ([]Result, error) {
	agents, err := r.Enter(ctx, door, 1+stateSenders)
	if err != nil {
		return nil, err
	}
	defer leave(agents)
	l := &lister{agent: agents[0], least: min(stateChannels, c.total())}
	alone, err := r.drive(ctx, door, work{Workers: 1, Turn: l.turn})
	if err != nil {
		return nil, fmt.Errorf("list the channels through %s: %w", door, err)
	}
	alone.Case = c.inWords()
	alone.Fdatasync = 0 // nothing is written

	noise := r.newNoise(agents[1:], first)
	noise.start(ctx)
	busy, err := r.drive(ctx, door, work{Workers: 1, Turn: l.turn})
	sends, elapsed := noise.stop()
	if err != nil {
		return nil, fmt.Errorf("list the channels through %s while %d agents send: %w", door, stateSenders, err)
	}
	if sends.Count() == 0 {
		return nil, fmt.Errorf("send through %s while the channels are listed: %w", door, cmp.Or(sends.first, errNoSend))
	}
	busy.Case = fmt.Sprintf("%s, %d sending", c.inWords(), stateSenders)
	busy.Agents = 1 + stateSenders
	busy.figure("sends/s meanwhile", float64(sends.Count())/elapsed.Seconds())
	busy.figure("failed sends", float64(sends.errors))
	busy.Fdatasync = 0
	err = noise.check(ctx, &busy)
	return []Result{alone, busy}, err
}

// lister asks for the overview.
type lister struct {
	agent Agent
	least int // channels that there are
}

// turn takes one overview. One that leaves channels out is none.
func (l *lister) turn(ctx context.Context, _ int, t *tally) {
	_ = t.time(func() error { // it has counted the error
		n, err := l.agent.List(ctx)
		if err == nil && n < l.least {
			err = fmt.Errorf("an overview names only %d of %d channels", n, l.least)
		}
		return err
	})
}
