package bench

import (
	"context"
	"time"
)

var sendScenario = Scenario{
	Name:  "send",
	About: "each agent sends as fast as it is answered (a closed loop), ten agents on a channel: from the start of a call to its answer, which means on disk; then everything is read back",
	Claim: "1.7 ms on average, 0.8–3.5 ms, 10 agents, 482 operations, all delivered, none twice",
	Run:   runSend,
}

// perChannel is how many agents share a channel: enough to be in each other's
// way, and few enough that there are several channels.
const perChannel = 10

func runSend(ctx context.Context, r *Run) error {
	c := &cases{run: r}
	next := 0 // the first channel that was not used
	for _, door := range r.Doors(Engine, HTTP, MCP, Stdio) {
		for _, n := range r.Agents(1, 10, 50, 100) {
			if door == Stdio && n > mostProcesses {
				continue
			}
			first := next
			next += channelsFor(n)
			c.measure(ctx, door, "send", n, func() error { return r.send(ctx, door, n, first, 0, 0) })
		}
	}
	return c.err(ctx)
}

// send measures n agents that send on channels from the given one on; most is
// how many messages each sends at most, 0 for as many as there is time for, and
// pace the time from one to the next, 0 for as soon as it is answered.
func (r *Run) send(ctx context.Context, door Door, n, first, most int, pace time.Duration) error {
	agents, err := r.Enter(ctx, door, n)
	if err != nil {
		return err
	}
	defer leave(agents)
	s := &senders{run: r, agents: agents, first: first, ledger: NewLedger(r.ID), sent: make([]int, n), pace: pace, due: make([]time.Time, n)}
	before, sized := sizeOnDisk(r.Target.DB)
	res, err := r.drive(ctx, door, work{Workers: n, Turns: most, Turn: s.turn})
	if err != nil {
		return err
	}
	if after, ok := sizeOnDisk(r.Target.DB); ok && sized && door != Engine {
		res.bytesPerMessage(after-before, s.ledger.Sent())
	}
	res.Case = "send"
	if pace > 0 {
		res.Case += ", one each " + pace.String()
	}
	res.figureCPU("messages")
	if n == 1 {
		res.againstDisk()
	}
	err = s.compare(ctx, &res)
	r.Add(res) // what is known is kept, also if it could not be read back
	r.clear(ctx, agents[0], door, s.channels()...)
	return err
}

// leastGrown is of how many messages it tells something by how much files grew.
const leastGrown = 1000

// bytesPerMessage adds what the database and its write-ahead log grew by. Of a
// few messages it says nothing, because files grow by pages and the log by
// thousands of them.
func (r *Result) bytesPerMessage(grown, messages int64) {
	if messages >= leastGrown && grown > 0 {
		r.figure("bytes/message", float64(grown)/float64(messages))
	}
}

// againstDisk adds the ratio to what a write costs at least.
func (r *Result) againstDisk() {
	if r.Fdatasync > 0 {
		r.Ratio = r.P50 / r.Fdatasync
	}
}

// senders are agents that only send. Each numbers its own letters, so that the
// order in which it was answered can be compared with what is read.
type senders struct {
	run    *Run
	agents []Agent
	first  int // channel of the first ten
	ledger *Ledger
	sent   []int // letters of each agent; an agent's own goroutine counts

	pace time.Duration // from one letter to the next, 0 for none
	due  []time.Time   // when each agent's next letter is; zero before its first
}

// await waits until it is an agent's turn and returns since when it is: a send
// that begins late, because the one before took long, has waited too.
func (s *senders) await(ctx context.Context, agent int) time.Time {
	if s.pace == 0 {
		return time.Now()
	}
	if s.due[agent].IsZero() { // not all at once
		s.due[agent] = time.Now().Add(s.pace * time.Duration(agent) / time.Duration(len(s.agents)))
	}
	due := s.due[agent]
	s.due[agent] = due.Add(s.pace)
	_ = pause(ctx, time.Until(due)) // the send finds that ctx has ended
	return due
}

func channelsFor(agents int) int { return (agents + perChannel - 1) / perChannel }

func (s *senders) channel(agent int) string { return s.run.Channel(s.first + agent/perChannel) }

func (s *senders) channels() []string {
	var names []string
	for i := 0; i < len(s.agents); i += perChannel {
		names = append(names, s.channel(i))
	}
	return names
}

func (s *senders) turn(ctx context.Context, i int, t *tally) {
	letter := s.ledger.Letter(i, s.sent[i], s.run.Settings.Size)
	s.sent[i]++
	var id string
	err := t.since(s.await(ctx, i), "", func() (err error) {
		id, err = s.agents[i].Send(ctx, s.channel(i), letter, "")
		return err
	})
	s.ledger.outcome(letter, id, err)
}

// compare reads all channels back.
func (s *senders) compare(ctx context.Context, res *Result) error {
	for c := range channelsFor(len(s.agents)) {
		var got Reading
		one := c * perChannel
		if err := readAll(ctx, s.agents[one], s.channel(one), s.ledger, &got); err != nil {
			return err
		}
		s.ledger.Compare(&got, res, func(sender int) bool { return sender/perChannel == c })
	}
	return nil
}
