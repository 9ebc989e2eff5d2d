package bench

import (
	"context"
	"slices"
	"time"
)

var latencyScenario = Scenario{
	Name:  "latency",
	About: "one call to its answer, reading and sending, also by ten agents that send ten messages a second each; and from the start of a send until the partner has the message, who blocks in a wait or listens to an event stream",
	Claim: "1.7 ms on average, 0.8–3.5 ms, 10 agents; from where to where is not said",
	Run:   runLatency,
}

// enough is how many operations of one kind tell a percentile: beyond it
// latency goes on to the next case.
const enough = 10_000

// The cases with a listener.
const (
	toWait   = "send to a blocked wait"
	toStream = "send to a stream"
	pauses   = "the sender pauses 2 to 10 ms before each message, so the rate says nothing"
)

// paced is from one message of an agent to its next where agents have more to do
// than to send.
const paced = 100 * time.Millisecond

func runLatency(ctx context.Context, r *Run) error {
	c := &cases{run: r}
	next := 0
	channel := func() int { next++; return next }
	for _, door := range r.Doors(Engine, HTTP, MCP, Stdio) {
		c.measure(ctx, door, "read, nothing new", 1, func() error { return r.emptyRead(ctx, door, channel()) })
		for _, n := range []int{1, 2} { // more of them are the scenario send
			if slices.Contains(r.Agents(1, 2), n) {
				c.measure(ctx, door, "send", n, func() error { return r.send(ctx, door, n, channel(), enough, 0) })
			}
		}
		if n := 10; slices.Contains(r.Agents(n), n) {
			c.measure(ctx, door, "send, paced", n, func() error { return r.send(ctx, door, n, channel(), 0, paced) })
		}
		c.measure(ctx, door, toWait, 2, func() error { return r.toOne(ctx, door, toWait, pauses, r.Channel(channel()), r.waiters) })
		if door == Engine || door == HTTP {
			c.measure(ctx, door, toStream, 2, func() error { return r.toOne(ctx, door, toStream, "", r.Channel(channel()), r.streams) })
		}
	}
	return c.err(ctx)
}

// emptyRead measures the cheapest call there is: nothing behind a message.
func (r *Run) emptyRead(ctx context.Context, door Door, n int) error {
	agents, err := r.Enter(ctx, door, 1)
	if err != nil {
		return err
	}
	defer leave(agents)
	reader, channel := agents[0], r.Channel(n)
	id, err := mark(ctx, reader, channel, beginMark)
	if err != nil {
		return err
	}
	res, err := r.drive(ctx, door, work{Workers: 1, Turns: enough, Turn: func(ctx context.Context, _ int, t *tally) {
		_ = t.time(func() error { // it has counted the error
			_, err := reader.Read(ctx, channel, id, 1)
			return err
		})
	}})
	if err != nil {
		return err
	}
	res.Case, res.Fdatasync = "read, nothing new", 0 // nothing is written
	res.figureCPU("reads")
	r.Add(res)
	r.clear(ctx, reader, door, channel)
	return nil
}

// toOne measures from the start of a send until its one listener has it. What
// the sender's pauses do to the rate is for the note to say.
func (r *Run) toOne(ctx context.Context, door Door, name, note, channel string, gather func(context.Context, Door, int, string) (*audience, error)) error {
	a, err := gather(ctx, door, 1, channel)
	if err != nil {
		return err
	}
	defer a.leave()
	res, err := a.measure(ctx, door, enough)
	if err != nil {
		return err
	}
	res.Case, res.Agents, res.Note = name, 2, note
	res.againstDisk()
	r.Add(res)
	r.clear(ctx, a.sender, door, channel)
	return nil
}
