package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// end sends the last message of each channel.
func (s *soak) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, graceTime)
	defer cancel()
	last := s.comeback("end", 0)
	defer last.close()
	for _, r := range s.readers {
		if _, err := last.insist(ctx, r.channel, endMark, "end of "+r.channel); err != nil {
			return fmt.Errorf("end the channel %s: %w", r.channel, err)
		}
	}
	return nil
}

// result is what the senders and readers have to tell.
func (s *soak) result(elapsed time.Duration) Result {
	res := Result{Case: soakCase, Door: s.doors[0], Agents: soakWorkers + 1}
	if len(s.doors) > 1 {
		res.Door = HTTP + "+" + MCP
	}
	var all tally
	for _, v := range s.senders {
		all.join(&v.failed)
		all.Join(&v.took)
	}
	received := int64(0)
	for _, r := range s.readers {
		all.join(&r.failed)
		received += r.got.Count()
	}
	all.into(&res, elapsed)
	res.figure("restarts", float64(s.restarts))
	res.figure("sent", float64(s.ledger.Sent()))
	res.figure("received", float64(received))
	outages := s.pulse.end()
	res.figure("outage p50 ms", ms(outages.median()))
	res.figure("outage max ms", ms(outages.longest()))
	res.Note = "errors are attempts while the server was down; each send was tried again with its key until it was answered"
	return res
}

// compare compares what was followed, and once more what is stored.
func (s *soak) compare(ctx context.Context, res *Result) error {
	agents, err := s.run.Enter(ctx, s.doors[0], 1)
	if err != nil {
		return err
	}
	defer leave(agents)
	for i, r := range s.readers {
		mine := func(sender int) bool { return sender%(soakWorkers+1) == i }
		s.ledger.Compare(&r.got, res, mine)
		var stored Reading
		if err := readAll(ctx, agents[0], r.channel, s.ledger, &stored); err != nil {
			return err
		}
		s.ledger.Compare(&stored, res, mine)
	}
	return nil
}

// pulse is the answers that all senders get together. It finds for each kill the
// longest time without one; kills between which nobody was answered are one.
type pulse struct {
	mu      sync.Mutex
	last    time.Time // an answer, or the kill; zero before the first kill
	longest time.Duration
	beaten  bool // there was an answer since the kill
	found   outages
}

type outages []time.Duration

// begin notes that the server is about to be killed.
func (p *pulse) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() && !p.beaten {
		return
	}
	p.settle()
	p.last, p.longest, p.beaten = time.Now(), 0, false
}

// beat notes an answer.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.IsZero() {
		return
	}
	now := time.Now()
	p.longest, p.last, p.beaten = max(p.longest, now.Sub(p.last)), now, true
}

// end returns what was found.
func (p *pulse) end() outages {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	p.last = time.Time{}
	slices.Sort(p.found)
	return p.found
}

// settle keeps the longest one of the last kill. The caller holds mu.
func (p *pulse) settle() {
	if p.beaten {
		p.found = append(p.found, p.longest)
	}
}

func (o outages) median() time.Duration {
	if len(o) == 0 {
		return 0
	}
	return o[len(o)/2]
}

func (o outages) longest() time.Duration {
	if len(o) == 0 {
		return 0
	}
	return o[len(o)-1]
}
