package bench

import (
	"context"
	"math/rand/v2"
	"time"

	"agentbridge"
)

// person is one agent of a working day. It reads one channel and writes in all;
// one goroutine at a time.
type person struct {
	day    *day
	number int
	agent  Agent
	chance *rand.Rand // the same in every run

	sent  []int // letters in each channel
	after string
	got   Reading // of its channel, by reading and waiting
	ear   *ear    // of its channel, by listening; nil if it doesn't

	seat *SeatKey // nil if it has no partner
	said int
	told Reading // by its partner
}

func newPerson(d *day, number int, a Agent) *person {
	return &person{
		day: d, number: number, agent: a, sent: make([]int, len(d.channels)),
		chance: rand.New(rand.NewPCG(uint64(number), 42)),
	}
}

// channel is the one that it reads.
func (p *person) channel() string { return p.day.channels[p.number%len(p.day.channels)] }

func (p *person) send(ctx context.Context, t *tally) {
	c := p.chance.IntN(len(p.day.channels))
	letter := p.day.ledger.Letter(p.number*len(p.day.channels)+c, p.sent[c], p.day.run.Settings.Size)
	p.sent[c]++
	var id string
	err := t.as("send", func() (err error) {
		id, err = p.agent.Send(ctx, p.day.channels[c], letter, "")
		return err
	})
	p.day.ledger.outcome(letter, id, err)
}

// read takes what is new and acknowledges it.
func (p *person) read(ctx context.Context, t *tally) {
	var page []Message
	err := t.as("read", func() (err error) {
		page, err = p.agent.Read(ctx, p.channel(), p.after, 100)
		return err
	})
	if err != nil || len(page) == 0 {
		return
	}
	p.take(page)
	if a, ok := p.agent.(acker); ok {
		_ = t.as("ack", func() error { return a.Ack(ctx, p.channel(), p.after) })
	}
}

func (p *person) take(page []Message) {
	for _, m := range page {
		p.got.Add(p.day.ledger, m)
		p.after = m.ID
	}
}

// wait takes what is new, or what comes within a second. How long that takes is
// up to the others, so it is counted and no latency.
func (p *person) wait(ctx context.Context, t *tally) {
	page, err := p.agent.Wait(ctx, p.channel(), p.after, time.Second)
	if err != nil {
		t.fail(err)
		return
	}
	t.only("wait")
	p.take(page)
}

func (p *person) tell(ctx context.Context, t *tally) {
	letter := p.day.talks.Letter(p.number, p.said, min(p.day.run.Settings.Size, agentbridge.MaxText))
	p.said++
	var id string
	err := t.as("tell", func() (err error) {
		id, err = p.agent.(Talker).Tell(ctx, *p.seat, letter, "")
		return err
	})
	p.day.talks.outcome(letter, id, err)
}

func (p *person) check(ctx context.Context, t *tally) error {
	var page []Message
	err := t.as("check", func() (err error) {
		page, err = p.agent.(Talker).Check(ctx, *p.seat)
		return err
	})
	for _, m := range page {
		p.told.Add(p.day.talks, m)
	}
	return err
}

// catchUp reads its channel to the end.
func (p *person) catchUp(ctx context.Context) error {
	return readOn(ctx, p.agent, p.channel(), p.after, p.day.ledger, &p.got)
}

// settle checks until it has what its partner was promised, or for as long as
// an offer that went astray takes to come again.
func (p *person) settle(ctx context.Context, partner int) {
	var ignored tally
	from := func(sender int) bool { return sender == partner }
	for end := time.Now().Add(patience); time.Now().Before(end); {
		before := p.told.Count()
		err := p.check(ctx, &ignored)
		if p.day.talks.missing(&p.told, from) == 0 && p.told.Count() == before {
			return
		}
		if err != nil || p.told.Count() == before {
			if pause(ctx, 200*time.Millisecond) != nil {
				return
			}
		}
	}
}
