package bench

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"
)

// work is what some workers do again and again, each in its own goroutine.
type work struct {
	Workers int
	Turns   int // at most so many measured turns of each worker; 0 is as many as there is time for
	// Turn does one thing of one worker and notes it in that worker's tally. It
	// must end by itself: when the time is over, turns that have begun are waited
	// for and counted, because their messages are promised too.
	Turn func(ctx context.Context, worker int, t *tally)
	// WarmTurns is Turns for warming up: where a target admits only so many.
	WarmTurns int
	// Warm is called between warming up and measuring; nil is nothing.
	Warm func()
}

// drive lets workers work: a moment to warm up, which is not counted, then for
// Settings.Duration. It returns a result with timings, rate, errors, CPU times
// and what a write to the disk cost right before; who measured it, how many
// agents they were and what became of the messages is the caller's to add.
//
// An error means that nothing was measured: ctx ended, or not one turn
// succeeded.
func (r *Run) drive(ctx context.Context, door Door, w work) (Result, error) {
	warming := w
	warming.Turns = cmp.Or(w.WarmTurns, w.Turns)
	if _, _, err := turns(ctx, warming, warmUp(r.Settings.Duration)); err != nil {
		return Result{}, err
	}
	if w.Warm != nil {
		w.Warm()
	}
	disk := r.Disk()
	use := r.meter(door)
	t, elapsed, err := turns(ctx, w, r.Settings.Duration)
	if err != nil {
		return Result{}, err
	}
	res := Result{Door: door, Agents: w.Workers, Fdatasync: ms(disk.P50)}
	use.into(&res)
	t.into(&res, elapsed)
	return res, nil
}

// warmUp is how long to work before a measurement of d: until connections
// stand, caches are filled and the write-ahead log has its size.
func warmUp(d time.Duration) time.Duration { return min(d/5, time.Second) }

// turns lets the workers work for d.
func turns(ctx context.Context, w work, d time.Duration) (*tally, time.Duration, error) {
	tallies := make([]tally, w.Workers)
	var all sync.WaitGroup
	start := time.Now()
	for i := range tallies {
		all.Go(func() { w.until(ctx, start.Add(d), i, &tallies[i]) })
	}
	all.Wait()
	elapsed := time.Since(start)
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	sum := &tally{}
	for i := range tallies {
		sum.join(&tallies[i])
	}
	if sum.Count() == 0 && sum.errors > 0 {
		return nil, 0, fmt.Errorf("all %d attempts failed, the first one with: %w", sum.errors, sum.first)
	}
	return sum, elapsed, nil
}

// afterError is how long a worker pauses after an error, so that a server that
// refuses at once is not asked as fast as the network carries it.
const afterError = 10 * time.Millisecond

func (w work) until(ctx context.Context, end time.Time, worker int, t *tally) {
	for n := 0; w.Turns == 0 || n < w.Turns; n++ {
		if ctx.Err() != nil || n > 0 && !time.Now().Before(end) { // one turn at least, however short the time
			return
		}
		before := t.errors
		w.Turn(ctx, worker, t)
		if t.errors > before {
			_ = pause(ctx, afterError) // the loop looks at ctx itself
		}
	}
}

// pause waits; it returns ctx's error if that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
