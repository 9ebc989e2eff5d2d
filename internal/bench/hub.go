package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"agentbridge"
)

// hub is a coordinator with its conversations. It does one thing at a time, as
// an agent does; its workers work beside each other.
type hub struct {
	talks []*talk
	// ready are the conversations in which it is the coordinator's turn. A
	// conversation is here, with its worker, or resting after a refusal, so that
	// there is always room.
	ready chan *talk
}

// doings are what was done and how long it took; one goroutine at a time.
type doings struct {
	calls   tally
	tasks   Timings // from telling until the worker's check returned it
	answers Timings // the same in the other direction, with the time that it waited for the coordinator
}

func (d *doings) join(o *doings) {
	d.calls.join(&o.calls)
	d.tasks.Join(&o.tasks)
	d.answers.Join(&o.answers)
}

// newHub lets the first agent begin a conversation with each of the others,
// which join by code. If the target's limits admit fewer, there are fewer.
func (r *Run) newHub(ctx context.Context, agents []Agent) (*hub, error) {
	h := &hub{}
	lead, ok := agents[0].(Talker)
	if !ok {
		return nil, errNoTalker
	}
	for _, a := range agents[1:] {
		worker, ok := a.(Talker)
		if !ok {
			return nil, errNoTalker
		}
		t, err := r.newTalk(ctx, lead, worker)
		if agentbridge.CodeOf(err) == agentbridge.RateLimited {
			break
		}
		if err != nil {
			return nil, err
		}
		h.talks = append(h.talks, t)
	}
	return h, nil
}

var errNoTalker = agentbridge.Refuse(agentbridge.Internal, "", "the agents of this door can't hold conversations")

// warmUp goes once through every conversation.
func (h *hub) warmUp(ctx context.Context) {
	var forgotten doings
	now := make(chan struct{}) // closed: who is refused does not try again
	close(now)
	for _, t := range h.talks {
		if wait := h.lead(ctx, t, &forgotten); wait == 0 {
			t.answer(ctx, <-t.told, now, &forgotten)
		}
	}
}

// work lets everybody work for d. What was begun then is finished.
func (h *hub) work(ctx context.Context, d time.Duration) *doings {
	h.ready = make(chan *talk, len(h.talks))
	for _, t := range h.talks {
		h.ready <- t
	}
	end := time.NewTimer(d)
	defer end.Stop()
	stop := make(chan struct{})
	done := make([]doings, len(h.talks))
	var workers sync.WaitGroup
	for i, t := range h.talks {
		workers.Go(func() { h.serve(ctx, t, stop, &done[i]) })
	}
	sum := &doings{}
	h.coordinate(ctx, end.C, sum)
	close(stop)
	workers.Wait()
	for i := range done {
		h.talks[i].wake()
		sum.join(&done[i])
	}
	return sum
}

// coordinate is the coordinator's day.
func (h *hub) coordinate(ctx context.Context, end <-chan time.Time, d *doings) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case t := <-h.ready:
			if wait := h.lead(ctx, t, d); wait > 0 {
				t.rest = time.AfterFunc(wait, func() { h.ready <- t })
			}
		}
		select { // the two above are chosen between at random, and there is always somebody ready
		case <-end:
			return
		default:
		}
	}
}

// lead is the coordinator's turn in one conversation: it takes the answer and
// tells the next task. wait is how long to leave the conversation alone if it
// could not.
func (h *hub) lead(ctx context.Context, t *talk, d *doings) (wait time.Duration) {
	if !t.answered.IsZero() {
		if t.check(ctx, coordinator, d) {
			d.answers.Add(time.Since(t.answered))
		}
		t.answered = time.Time{}
	}
	begun := time.Now()
	if wait := t.tell(ctx, coordinator, d); wait > 0 {
		return wait
	}
	t.told <- begun
	return 0
}

// serve is a worker's day. It looks when it has been told something, not again
// and again: what an agent's doorbell is for.
func (h *hub) serve(ctx context.Context, t *talk, stop <-chan struct{}, d *doings) {
	for {
		select {
		case <-stop:
			return
		case begun := <-t.told:
			if !t.answer(ctx, begun, stop, d) {
				return
			}
			h.ready <- t
		}
	}
}

// patience is how long a message may be missing that was in a reply which never
// came: it is handed out again when the offer has run out.
const patience = agentbridge.OfferTime + 5*time.Second

// settle lets everybody take what is still unread. Its error means that
// somebody was not answered, so that nobody knows what there is.
func (h *hub) settle(ctx context.Context) error {
	var forgotten doings
	for _, t := range h.talks {
		t.told, t.answered = make(chan time.Time, 1), time.Time{}
		for i := range t.sides {
			var last doings
			for n := 0; n < 10 && t.check(ctx, i, &last); n++ {
			}
			if err := last.calls.first; err != nil {
				return fmt.Errorf("take what is unread at the end: %w", err)
			}
		}
	}
	for end := time.Now().Add(patience); h.missing() && time.Now().Before(end); {
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		for _, t := range h.talks {
			for i := range t.sides {
				if t.missing(i) {
					t.check(ctx, i, &forgotten)
				}
			}
		}
	}
	return nil
}

// missing tells whether anybody has not got all that he was promised.
func (h *hub) missing() bool {
	return slices.ContainsFunc(h.talks, func(t *talk) bool { return t.missing(coordinator) || t.missing(worker) })
}
