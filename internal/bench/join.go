package bench

import (
	"context"
	"fmt"
	"time"

	"agentbridge"
)

var joinScenario = Scenario{
	Name:  "join",
	About: "one agent makes a conversation, another joins it with the code and says its first word, which the first one takes; time of all four calls; then the used code is tried again and must not admit",
	Claim: "credential sync under 65 s (a git poll every 60 s)",
	Run:   runJoin,
}

func runJoin(ctx context.Context, r *Run) error {
	if r.Target.Foreign {
		r.Add(Result{Note: "not measured: this server has no conversations"})
		return nil
	}
	for _, door := range r.Doors(Engine, MCP) {
		r.Progress("%s", door)
		if err := r.joinThrough(ctx, door); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) joinThrough(ctx context.Context, door Door) error {
	agents, err := r.Enter(ctx, door, 2)
	if err != nil {
		return err
	}
	defer leave(agents)
	creator, ok1 := agents[0].(Talker)
	partner, ok2 := agents[1].(Talker)
	if !ok1 || !ok2 {
		return errNoTalker
	}
	j := &joining{creator: creator, partner: partner, ledger: NewLedger(r.ID)}
	res, err := r.drive(ctx, door, work{Workers: 1, Turn: j.turn, WarmTurns: 3, Warm: j.warm})
	switch {
	case j.breach:
		return fmt.Errorf("a code that had been used admitted once more through %s: whoever finds an old one takes a seat", door)
	case j.limited && ctx.Err() == nil && res.Count == 0:
		r.Add(Result{Door: door, Agents: 2, Note: "not measured: the target's limits admit no new conversation now"})
		return nil
	case j.limited && ctx.Err() == nil:
		res.Note = "the target's limits on new conversations ended this early; the rate says nothing"
	case err != nil:
		return err
	}
	res.Door, res.Agents, res.Case = door, 2, "created to first word"
	res.figure("used codes refused", float64(j.refused))
	j.ledger.Compare(&j.read, &res, nil)
	j.figures(&res)
	r.Add(res)
	return nil
}

// joining is one creator and one partner who meet again and again.
type joining struct {
	creator, partner Talker
	ledger           *Ledger
	read             Reading
	steps            [4]Timings // create, join, tell, check
	n                int        // conversations begun
	refused          int        // used codes
	breach           bool       // a used code admitted
	limited          bool       // by the target's limit on new conversations
}

func (j *joining) turn(ctx context.Context, _ int, t *tally) {
	if j.limited || j.breach {
		_ = pause(ctx, afterError)
		return
	}
	var code string
	err := t.time(func() (err error) {
		code, err = j.meet(ctx)
		return err
	})
	if agentbridge.CodeOf(err) == agentbridge.RateLimited {
		j.limited = true
	}
	if err == nil {
		j.tryAgain(ctx, code, t)
	}
}

// warm forgets what was timed and counted while warming up.
func (j *joining) warm() { j.steps, j.refused = [4]Timings{}, 0 }

// meet is what is measured: from nothing to a first word that has arrived.
func (j *joining) meet(ctx context.Context) (code string, err error) {
	clock := stopwatch{at: time.Now(), steps: &j.steps}
	a, _, code, err := j.creator.Converse(ctx)
	if err != nil {
		return "", err
	}
	clock.lap(0)
	b, err := j.partner.Join(ctx, code)
	if err != nil {
		return "", err
	}
	clock.lap(1)
	letter := j.ledger.Letter(0, j.n, 64)
	j.n++
	id, err := j.partner.Tell(ctx, b, letter, "")
	if err != nil {
		j.ledger.Unknown(letter)
		return "", err
	}
	clock.lap(2)
	got, err := j.creator.Check(ctx, a)
	if err != nil { // it may be in the reply that did not come, and nobody looks again
		j.ledger.Unknown(letter)
		return "", err
	}
	clock.lap(3)
	j.ledger.Acked(letter, id)
	for _, m := range got {
		j.read.Add(j.ledger, m)
	}
	return code, nil
}

// tryAgain offers the code once more, which must be refused.
func (j *joining) tryAgain(ctx context.Context, code string, t *tally) {
	_, err := j.partner.Join(ctx, code)
	switch agentbridge.CodeOf(err) {
	case "":
		j.breach = true
	case agentbridge.Unauthenticated, agentbridge.RateLimited, agentbridge.InvalidValue: // over MCP a refusal is a sentence without a code
		j.refused++
	default:
		t.fail(err)
	}
}

// figures tells what each of the calls takes.
func (j *joining) figures(res *Result) {
	for i, name := range []string{"create", "join", "tell", "check"} {
		var step Result
		j.steps[i].Into(&step, 0)
		res.figure(name+" p50 ms", step.P50)
	}
}

// stopwatch takes the time of steps that follow one another.
type stopwatch struct {
	at    time.Time
	steps *[4]Timings
}

func (s *stopwatch) lap(step int) {
	now := time.Now()
	s.steps[step].Add(now.Sub(s.at))
	s.at = now
}
