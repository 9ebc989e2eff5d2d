package bench

import (
	"context"
	"fmt"
)

var fanoutScenario = Scenario{
	Name:  "fanout",
	About: "one sender, many who listen: from the start of a send until each of them has the message; the next one is sent when all have it",
	Claim: "push in under 50 ms, 35 ms planned on average, one listener",
	Run:   runFanout,
}

func runFanout(ctx context.Context, r *Run) error {
	c := &cases{run: r}
	next := 0
	for _, door := range r.Doors(Engine, HTTP) {
		for _, n := range r.Agents(1, 25, 100, 1000) {
			next++
			channel := r.Channel(next)
			c.measure(ctx, door, "to streams", n, func() error {
				return r.fanout(ctx, door, n, channel, "to streams", r.streams)
			})
		}
	}
	for _, door := range r.Doors(MCP) {
		for _, n := range r.Agents(1, 100) {
			next++
			channel := r.Channel(next)
			c.measure(ctx, door, "to blocked waits", n, func() error {
				return r.fanout(ctx, door, n, channel, "to blocked waits", r.waiters)
			})
		}
	}
	return c.err(ctx)
}

func (r *Run) fanout(ctx context.Context, door Door, n int, channel, name string,
	gather func(context.Context, Door, int, string) (*audience, error)) error {
	a, err := gather(ctx, door, n, channel)
	if err != nil {
		return err
	}
	defer a.leave()
	res, err := a.measure(ctx, door, 0)
	if err != nil {
		return err
	}
	res.Case = name
	if a.refused != nil {
		res.Note = fmt.Sprintf("%d were wanted, and %d admitted: %s", n, len(a.listeners), ErrorKind(a.refused))
	}
	res.figure("messages", float64(a.measured()))
	res.figureCPU("deliveries")
	r.Add(res)
	r.clear(ctx, a.sender, door, channel)
	return nil
}
