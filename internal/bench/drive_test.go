package bench

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
)

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two workers, of which one is ten times as fast.
		w := work{Workers: 2, Turn: func(_ context.Context, worker int, t *tally) {
			_ = t.time(func() error {
				time.Sleep(time.Duration(1+9*worker) * time.Millisecond)
				return nil
			})
		}}
		sum, elapsed, err := turns(t.Context(), w, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		var res Result
		sum.into(&res, elapsed)
		if res.Count != 110 || res.P50 != 1 || res.Max != 10 || res.Seconds != 0.1 || res.Rate != 1100 {
			t.Errorf("%+v; want 100 turns of 1 ms and 10 of 10 ms in 100 ms", res)
		}
	})
}

func TestTurns_waitsForWhatHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := work{Workers: 1, Turn: func(_ context.Context, _ int, t *tally) {
			_ = t.time(func() error { time.Sleep(time.Minute); return nil })
		}}
		sum, elapsed, err := turns(t.Context(), w, time.Second)
		if err != nil || sum.Count() != 1 || elapsed != time.Minute {
			t.Errorf("%d turns in %v, %v; want the one that had begun", sum.Count(), elapsed, err)
		}
	})
}

func TestTurns_atMost(t *testing.T) {
	w := work{Workers: 3, Turns: 7, Turn: func(_ context.Context, _ int, t *tally) { t.Add(1) }}
	if sum, _, err := turns(t.Context(), w, time.Hour); err != nil || sum.Count() != 21 {
		t.Errorf("%d turns, %v; want 7 of each worker", sum.Count(), err)
	}
}

func TestTurns_errors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		w := work{Workers: 1, Turn: func(_ context.Context, _ int, t *tally) {
			n++
			_ = t.time(func() error {
				if n%2 == 0 {
					return errors.New("not now")
				}
				return nil
			})
		}}
		sum, elapsed, err := turns(t.Context(), w, 95*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		var res Result
		sum.into(&res, elapsed)
		if res.Errors != 10 || res.ErrorsBy["not now"] != 10 || res.Count != 10 {
			t.Errorf("%d answers, errors %v; want ten of each: a pause of 10 ms after an error", res.Count, res.ErrorsBy)
		}
	})
}

func TestTurns_allFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := errors.New("never")
		w := work{Workers: 2, Turn: func(_ context.Context, _ int, t *tally) { t.fail(never) }}
		if _, _, err := turns(t.Context(), w, time.Second); !errors.Is(err, never) {
			t.Errorf("turns that all fail: %v; want an error with the first one", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := turns(ctx, w, time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("after its context ended: %v; want that", err)
		}
	})
}

// A server that says something else each time must not fill the memory.
func TestTally_hostileErrors(t *testing.T) {
	var a, sum tally
	for i := range 26 * 26 {
		a.fail(fmt.Errorf("error %c%c", 'a'+i/26, 'a'+i%26))
	}
	sum.join(&a)
	sum.join(&a)
	var res Result
	sum.into(&res, time.Second)
	var all int64
	for _, n := range res.ErrorsBy {
		all += n
	}
	if len(res.ErrorsBy) > mostKinds || all != 2*26*26 || res.Errors != all {
		t.Errorf("%d kinds of %d errors, %d in all; want at most %d kinds and every error", len(res.ErrorsBy), all, res.Errors, mostKinds)
	}
}

func TestTally_kinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, sum tally
		for range 3 {
			_ = a.as("read", func() error { time.Sleep(2 * time.Millisecond); return nil })
		}
		_ = a.as("read", func() error { return errors.New("no") })
		a.only("wait")
		sum.join(&a)
		sum.join(&a)
		var res Result
		sum.into(&res, time.Second)
		if res.Figures["reads"] != 6 || res.Figures["read p50 ms"] != 2 || res.Figures["waits"] != 2 || res.Count != 6 || res.Errors != 2 {
			t.Errorf("%+v; want six reads of 2 ms, two waits and two errors", res)
		}
	})
}

// bottomless is a channel that begins anew at its end.
type bottomless struct{ Agent }

func (bottomless) Read(context.Context, string, string, int) ([]Message, error) {
	return make([]Message, 500), nil
}

func TestReadAll_hasAnEnd(t *testing.T) {
	var got Reading
	if err := readAll(t.Context(), bottomless{}, "c", NewLedger("x"), &got); err == nil {
		t.Error("a channel without an end was read to its end")
	}
}

// limited refuses the first sends.
type limited struct {
	Agent
	refusals int
}

func (l *limited) Send(context.Context, string, string, string) (string, error) {
	if l.refusals--; l.refusals >= 0 {
		err := agentbridge.Refuse(agentbridge.RateLimited, "", "too fast")
		err.RetryAfter = 15 * time.Second
		return "", err
	}
	return "1", nil
}

func TestMark_waitsForLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if id, err := mark(t.Context(), &limited{refusals: 3}, "c", "begin"); id != "1" || err != nil {
			t.Errorf("mark = %q, %v; want it sent when the limit allows", id, err)
		}
		if _, err := mark(t.Context(), &limited{refusals: 100}, "c", "begin"); err == nil {
			t.Error("a limit that never ends was waited for")
		}
	})
}

func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pulse
		after := func(d time.Duration, do func()) { time.Sleep(d * time.Millisecond); do() }
		p.beat() // before any kill: nothing to find
		after(500, p.begin)
		after(5, p.beat)
		after(70, p.beat) // 70: the server came back
		after(20, p.beat)
		after(10, p.begin)
		after(40, p.begin) // nobody was answered since the last one
		after(50, p.beat)  // 90
		after(10, p.begin)
		after(30, p.beat) // 30
		found := p.end()
		if len(found) != 3 || ms(found.longest()) != 90 || ms(found.median()) != 70 {
			t.Errorf("outages %v; want 30, 70 and 90 ms", found)
		}
		var none outages
		if none.longest() != 0 || none.median() != 0 {
			t.Error("no outage has a length")
		}
	})
}

func TestAudience_gather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &audience{arrivals: make(chan arrival), last: []int{4, 2, 3}}
		go func() {
			for _, got := range []arrival{{who: 1, letter: 3}, {who: 1, letter: 5}, {who: 2, err: errors.New("broke off")}, {who: 0, letter: 4}} {
				time.Sleep(time.Second)
				a.arrivals <- got
			}
		}()
		start := time.Now()
		a.gather(t.Context(), 4, time.Hour)
		if took := time.Since(start); took != 3*time.Second || a.failures.errors != 1 || a.last[2] != gone {
			t.Errorf("gathered in %v with %d errors, %v; want 3 s: one has it, one gets a later one, one is gone", took, a.failures.errors, a.last)
		}
		a.gather(t.Context(), 5, time.Minute)
		if took := time.Since(start); took != 63*time.Second {
			t.Errorf("waited %v for one who never gets it; want a minute", took-3*time.Second)
		}
	})
}

func TestBytesPerMessage(t *testing.T) {
	var few, many Result
	few.bytesPerMessage(1<<20, 999)
	many.bytesPerMessage(2_000_000, 1000)
	if few.Figures != nil || many.Figures["bytes/message"] != 2000 {
		t.Errorf("%v and %v; want nothing of few messages, and 2000 bytes", few.Figures, many.Figures)
	}
	for _, db := range []string{"", t.TempDir() + "/none"} {
		if size, ok := sizeOnDisk(db); ok {
			t.Errorf("sizeOnDisk(%q) = %d; want no answer", db, size)
		}
	}
}
