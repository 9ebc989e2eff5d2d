package bench

import (
	"context"
	"fmt"

	"agentbridge"
)

var mixedScenario = Scenario{
	Name: "mixed",
	About: "twenty agents on five channels that send, read and acknowledge, wait, list, listen and talk to a partner, by chance but always by the same: " +
		"each call to its answer, waits apart; then everything is compared",
	Claim: "482 operations (19 messages, 463 calls) in 94 s with 10 agents",
	Run:   runMixed,
}

const (
	mixedAgents   = 20
	mixedChannels = 5
	mixedStreams  = 4
)

func runMixed(ctx context.Context, r *Run) error {
	c := &cases{run: r}
	for i, door := range r.Doors(Engine, HTTP, MCP) {
		c.measure(ctx, door, "everything at once", mixedAgents, func() error { return r.mixed(ctx, door, i*mixedChannels) })
	}
	return c.err(ctx)
}

func (r *Run) mixed(ctx context.Context, door Door, first int) error {
	agents, err := r.Enter(ctx, door, mixedAgents)
	if err != nil {
		return err
	}
	defer leave(agents)
	d := newDay(r, agents, first)
	if err := d.begin(ctx); err != nil {
		return err
	}
	defer d.close()
	res, err := r.drive(ctx, door, work{Workers: len(agents), Turn: d.turn})
	if err != nil {
		return err
	}
	res.Case = "everything at once"
	res.figureCPU("calls")
	err = d.end(ctx, &res)
	r.Add(res)
	r.clear(ctx, agents[0], door, d.channels...)
	return err
}

// day is a working day of agents.
type day struct {
	run      *Run
	channels []string
	ledger   *Ledger // of the channels; a sender is a person in a channel
	talks    *Ledger // of the conversations; a sender is a person
	people   []*person
}

func newDay(r *Run, agents []Agent, first int) *day {
	d := &day{run: r, ledger: NewLedger(r.ID), talks: NewLedger(r.ID)}
	for i := range mixedChannels {
		d.channels = append(d.channels, r.Channel(first+i))
	}
	for i, a := range agents {
		d.people = append(d.people, newPerson(d, i, a))
	}
	return d
}

// begin makes the channels, gives each pair a conversation and lets some listen.
func (d *day) begin(ctx context.Context) error {
	for i, p := range d.people {
		if follower, ok := p.agent.(Follower); ok && i < mixedStreams {
			stream, err := follower.Follow(ctx, p.channel())
			if err != nil {
				return err
			}
			p.listen(ctx, stream)
		}
	}
	for i, p := range d.people[:len(d.channels)] {
		id, err := mark(ctx, p.agent, d.channels[i], beginMark) // waits begin behind a message
		if err != nil {
			return err
		}
		for j := i; j < len(d.people); j += len(d.channels) {
			d.people[j].after = id
		}
	}
	for i := 0; i+1 < len(d.people); i += 2 {
		if err := d.pair(ctx, d.people[i], d.people[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// pair gives two a conversation, if the door has any and the target's limits
// admit it.
func (d *day) pair(ctx context.Context, one, other *person) error {
	talker, ok := one.agent.(Talker)
	if !ok {
		return nil
	}
	a, b, _, err := talker.Converse(ctx)
	if agentbridge.CodeOf(err) == agentbridge.RateLimited {
		return nil
	}
	if err != nil {
		return fmt.Errorf("begin a conversation: %w", err)
	}
	one.seat, other.seat = &a, &b
	return nil
}

// turn is one thing that somebody does. The shares are out of a hundred.
func (d *day) turn(ctx context.Context, i int, t *tally) {
	p := d.people[i]
	switch n := p.chance.IntN(100); {
	case n < 35:
		p.send(ctx, t)
	case n < 60:
		p.read(ctx, t)
	case n < 68:
		p.wait(ctx, t)
	case n < 72:
		_ = t.as("list", func() error { _, err := p.agent.List(ctx); return err })
	case p.seat == nil:
		p.send(ctx, t)
	case n < 86:
		p.tell(ctx, t)
	default:
		_ = p.check(ctx, t) // the tally has counted the error
	}
}

// end lets everybody take what is left, and compares.
func (d *day) end(ctx context.Context, res *Result) error {
	for i, c := range d.channels {
		if _, err := mark(ctx, d.people[i].agent, c, endMark); err != nil {
			return fmt.Errorf("end the channel %s: %w", c, err)
		}
	}
	for i, p := range d.people {
		if err := p.catchUp(ctx); err != nil {
			return err
		}
		mine := func(sender int) bool { return sender%len(d.channels) == i%len(d.channels) }
		d.ledger.Compare(&p.got, res, mine)
		if p.ear != nil {
			if err := p.ear.finish(ctx, p.agent); err != nil {
				return err
			}
			d.ledger.Compare(&p.ear.got, res, mine)
			if p.ear.broke != nil {
				res.erred(p.ear.broke)
			}
		}
		if p.seat != nil {
			p.settle(ctx, i^1)
			d.talks.Compare(&p.told, res, func(sender int) bool { return sender == i^1 })
		}
	}
	return ctx.Err()
}

// close ends the streams.
func (d *day) close() {
	for _, p := range d.people {
		if p.ear != nil {
			p.ear.close()
		}
	}
}
