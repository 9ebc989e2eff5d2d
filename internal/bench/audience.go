package bench

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// audience is one sender, those who listen to its channel, and what each of
// them got. The sender sends the next message when all have the last one: what
// is measured is one message on its way, not a queue.
type audience struct {
	run       *Run
	channel   string
	ledger    *Ledger
	sender    Agent
	listeners []*member
	refused   error // why there are not as many as were wanted
	pause     func() time.Duration

	sent     int
	acked    int // the last letter that was acknowledged
	departed departures
	arrivals chan arrival
	last     []int   // of each listener: the highest letter that it has; gone if it listens no more
	failures tally   // sends that failed, listeners that broke off
	broken   []error // of those who broke off
}

// arrival tells the sender that a listener has a letter, or has broken off.
type arrival struct {
	who, letter int
	err         error
}

// gone is in place of the last letter of a listener that listens no more.
const gone = int(^uint(0) >> 1)

// measure sends for Settings.Duration, or at most so many messages if most is
// not 0, and returns a result: of each delivery the time from the start of the
// send until the listener had the message.
func (a *audience) measure(ctx context.Context, door Door, most int) (Result, error) {
	a.arrivals = make(chan arrival, len(a.listeners))
	a.last = make([]int, len(a.listeners))
	for i := range a.last {
		a.last[i] = -1
	}
	stop := a.listen(ctx)
	res, err := a.perform(ctx, door, most)
	stop()
	if err != nil {
		return Result{}, err
	}
	return res, a.compare(ctx, &res)
}

// perform is what the sender does: warm up, then be measured.
func (a *audience) perform(ctx context.Context, door Door, most int) (Result, error) {
	if err := a.rounds(ctx, warmUp(a.run.Settings.Duration), most, false); err != nil {
		return Result{}, err
	}
	disk := a.run.Disk()
	use := a.run.meter(door)
	a.forgive()
	start := time.Now()
	if err := a.rounds(ctx, a.run.Settings.Duration, most, true); err != nil {
		return Result{}, err
	}
	res := Result{Door: door, Agents: len(a.listeners), Seconds: time.Since(start).Seconds(), Fdatasync: ms(disk.P50)}
	use.into(&res)
	a.gather(ctx, a.acked, lastTime)
	return res, ctx.Err()
}

// forgive forgets what failed while warming up, except that a listener broke
// off: it does not come back.
func (a *audience) forgive() {
	a.failures = tally{}
	for _, err := range a.broken {
		a.failures.fail(err)
	}
}

func (a *audience) rounds(ctx context.Context, d time.Duration, most int, measured bool) error {
	end := time.Now().Add(d)
	for n := 0; time.Now().Before(end) && (most == 0 || n < most); n++ {
		if a.pause != nil {
			_ = pause(ctx, a.pause())
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.round(ctx, measured); err != nil {
			a.failures.fail(err)
			_ = pause(ctx, afterError)
		}
	}
	if a.ledger.Sent() == 0 && a.failures.first != nil {
		return a.failures.first
	}
	return nil
}

// round sends one letter and waits until all have it.
func (a *audience) round(ctx context.Context, measured bool) error {
	n := a.sent
	letter := a.ledger.Letter(0, n, a.run.Settings.Size)
	a.sent++
	a.departed.now(measured)
	id, err := a.sender.Send(ctx, a.channel, letter, "")
	a.ledger.outcome(letter, id, err)
	if err == nil {
		a.acked = n
		a.gather(ctx, n, min(max(4*a.run.Settings.Duration, 500*time.Millisecond), lastTime))
	}
	return err
}

// gather waits until all who listen have a letter or a later one, but not
// longer than most: who is without it then is found when readings are compared.
func (a *audience) gather(ctx context.Context, letter int, most time.Duration) {
	without := 0
	for _, has := range a.last {
		if has < letter {
			without++
		}
	}
	late := time.NewTimer(most)
	defer late.Stop()
	for without > 0 {
		select {
		case got := <-a.arrivals:
			if a.arrived(got, letter) {
				without--
			}
		case <-late.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// arrived notes an arrival; true if that listener has the letter only now.
func (a *audience) arrived(got arrival, letter int) bool {
	had := a.last[got.who]
	if got.err != nil {
		a.failures.fail(got.err)
		a.broken = append(a.broken, got.err)
		got.letter = gone
	}
	a.last[got.who] = max(had, got.letter)
	return had < letter && a.last[got.who] >= letter
}

// compare puts together what the listeners have. Who broke off knows that it
// did, and a client would go on reading where it was; so do we.
func (a *audience) compare(ctx context.Context, res *Result) error {
	var all Timings
	for _, l := range a.listeners {
		if l.broke {
			if err := readOn(ctx, a.sender, a.channel, l.after, a.ledger, &l.got); err != nil {
				return err
			}
		}
		all.Join(&l.took)
		a.ledger.Compare(&l.got, res, nil)
	}
	a.failures.Timings = all
	a.failures.into(res, time.Duration(res.Seconds*float64(time.Second)))
	if res.Count == 0 && !res.Failed() {
		return fmt.Errorf("nothing was delivered as it happened: %w", cmp.Or(a.failures.first, errStreamEnded))
	}
	return nil
}

// measured is how many letters have a time.
func (a *audience) measured() int {
	a.departed.mu.RLock()
	defer a.departed.mu.RUnlock()
	n := 0
	for _, at := range a.departed.at {
		if !at.IsZero() {
			n++
		}
	}
	return n
}
