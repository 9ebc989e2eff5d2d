package bench

import (
	"context"
	"errors"
	"time"

	"agentbridge"
)

// The sides of a conversation, which are the senders of its ledger too.
const (
	coordinator = 0
	worker      = 1
)

// talk is one conversation between the coordinator and a worker. One of the two
// has it at a time; told and hub.ready hand it over.
type talk struct {
	sides    [2]side
	ledger   *Ledger
	size     int            // of a message, in bytes
	told     chan time.Time // capacity 1: a task was told, and when telling it began
	answered time.Time      // when telling the answer began; zero if there is none
	rest     *time.Timer    // until the coordinator tries again; nil if it never rested
}

// side is a seat and who sits there.
type side struct {
	agent Talker
	seat  SeatKey
	next  int     // number of its next letter
	read  Reading // what it was handed out
}

func (r *Run) newTalk(ctx context.Context, lead, with Talker) (*talk, error) {
	a, _, code, err := lead.Converse(ctx)
	if err != nil {
		return nil, err
	}
	b, err := with.Join(ctx, code)
	if err != nil {
		return nil, err
	}
	return &talk{
		sides:  [2]side{{agent: lead, seat: a}, {agent: with, seat: b}},
		ledger: NewLedger(r.ID),
		size:   min(r.Settings.Size, agentbridge.MaxText),
		told:   make(chan time.Time, 1),
	}, nil
}

// tell sends a side's next letter. wait is how long to leave it be if that
// failed: what was refused by a limit will be sent then, what may have arrived
// will not be sent again.
func (t *talk) tell(ctx context.Context, i int, d *doings) (wait time.Duration) {
	s := &t.sides[i]
	letter := t.ledger.Letter(i, s.next, t.size)
	var id string
	err := d.calls.time(func() (err error) {
		id, err = s.agent.Tell(ctx, s.seat, letter, "")
		return err
	})
	if wait, limited := retryAfter(err); limited {
		return wait
	}
	s.next++
	if err != nil {
		t.ledger.Unknown(letter)
		return afterError
	}
	t.ledger.Acked(letter, id)
	return 0
}

// check takes what a side has not read. It tells whether there was anything new.
func (t *talk) check(ctx context.Context, i int, d *doings) (news bool) {
	s := &t.sides[i]
	var unread []Message
	err := d.calls.time(func() (err error) {
		unread, err = s.agent.Check(ctx, s.seat)
		return err
	})
	if err != nil {
		return false
	}
	for _, m := range unread {
		if s.read.Add(t.ledger, m) {
			news = true
		}
	}
	return news
}

// answer is a worker's turn: it takes the task and tells the answer. It reports
// false if stop or ctx ended it before it had.
func (t *talk) answer(ctx context.Context, begun time.Time, stop <-chan struct{}, d *doings) bool {
	if t.check(ctx, worker, d) {
		d.tasks.Add(time.Since(begun))
	}
	for {
		begun := time.Now()
		wait := t.tell(ctx, worker, d)
		if wait == 0 {
			t.answered = begun
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-stop:
			return false
		case <-time.After(wait):
		}
	}
}

// missing tells whether a side has not got all that the other was promised.
func (t *talk) missing(i int) bool {
	return t.ledger.missing(&t.sides[i].read, func(sender int) bool { return sender != i }) > 0
}

// wake ends a rest.
func (t *talk) wake() {
	if t.rest != nil {
		t.rest.Stop()
	}
}

// retryAfter tells whether a call was refused because there were too many, so
// that nothing of it was stored, and when to come back.
func retryAfter(err error) (wait time.Duration, limited bool) {
	refusal, ok := errors.AsType[*agentbridge.Error](err)
	if !ok || refusal.Code != agentbridge.RateLimited && refusal.Code != agentbridge.Busy {
		return 0, false
	}
	return max(refusal.RetryAfter, afterError), true
}
