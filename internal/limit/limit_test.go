package limit_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge/internal/limit"
)

// jug is a bucket in use.
type jug struct {
	t    *testing.T
	rule limit.Rule
	b    limit.Bucket
	back time.Duration // how much the clock is slow
}

func (j *jug) now() time.Time { return time.Now().Add(-j.back) }

// take takes one token and keeps what an engine would keep.
func (j *jug) take() (ok bool, wait time.Duration) {
	j.t.Helper()
	after, got, wait := j.rule.Take(j.b, j.now(), 1)
	if got == 0 && j.b.Ahead(j.now()) {
		after = j.rule.Refill(j.b, j.now())
	}
	if got < 0 || got > 1 || (got == 0) != (wait > 0) {
		j.t.Fatalf("Take(1) = %d tokens, wait %v", got, wait)
	}
	j.b = limit.Decode(after.Encode()) // as it comes back from a store
	return got == 1, wait
}

// drain takes until there is nothing left.
func (j *jug) drain() (n int) {
	j.t.Helper()
	for {
		ok, _ := j.take()
		if !ok {
			return n
		}
		n++
	}
}

func (j *jug) want(what string, got, want int) {
	j.t.Helper()
	if got != want {
		j.t.Errorf("%s: %d admitted, want %d", what, got, want)
	}
}

var conversation = limit.Rule{{10, time.Minute}, {100, time.Hour}, {500, 24 * time.Hour}}

// bubble runs a test with a full bucket and a clock that costs nothing.
func bubble(t *testing.T, rule limit.Rule, f func(*jug)) {
	synctest.Test(t, func(t *testing.T) { f(&jug{t: t, rule: rule}) })
}

// A fixed window lets twice as much through around its edge. A bucket does not,
// wherever one stands.
func TestTake_noWindowEdges(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second, 59 * time.Second, 60*time.Second - time.Microsecond, 61 * time.Second} {
		bubble(t, limit.Rule{{10, time.Minute}}, func(j *jug) {
			time.Sleep(wait)
			j.want("the first burst", j.drain(), 10)
			time.Sleep(2 * time.Second)
			j.want("two seconds later", j.drain(), 0)
		})
	}
}

func TestTake_refillsBitByBit(t *testing.T) {
	bubble(t, limit.Rule{{10, time.Minute}}, func(j *jug) {
		j.want("a full bucket", j.drain(), 10)
		_, wait := j.take()
		if wait != 6*time.Second {
			j.t.Errorf("wait = %v, want 6s", wait)
		}
		time.Sleep(wait - time.Microsecond)
		j.want("a moment too early", j.drain(), 0)
		time.Sleep(time.Microsecond)
		j.want("after the wait", j.drain(), 1)
		time.Sleep(31 * time.Second)
		j.want("half a minute later", j.drain(), 5)
		time.Sleep(time.Hour)
		j.want("much later", j.drain(), 10)
	})
}

// All rates must admit, and one that refuses costs nothing of the others.
func TestTake_severalRates(t *testing.T) {
	bubble(t, conversation, func(j *jug) {
		hour := 0
		for range 60 { // as fast as the minute lets it
			hour += j.drain()
			time.Sleep(time.Minute)
		}
		j.want("in an hour", hour, 100+98) // what it held, and what flowed in in 59 minutes
		rest := 0
		for range 23 * 60 {
			rest += j.drain()
			time.Sleep(time.Minute)
		}
		j.want("in a day", hour+rest, 500+499)
		j.drain()
		_, wait := j.take()
		if wait <= 0 || wait > 24*time.Hour/500 {
			j.t.Errorf("wait = %v, want at most one 500th of a day", wait)
		}
		time.Sleep(24 * time.Hour)
		j.want("a day later", j.drain(), 10)
	})
}

// Whoever comes when he was told to is let in, for any rule and at any time.
func TestTake_theWaitIsTrue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		rule := limit.Rule{{1 + r.IntN(20), time.Second}, {1 + r.IntN(1000), time.Minute}, {1 + r.IntN(limit.MaxN), limit.MaxPer}}
		bubble(t, rule, func(j *jug) {
			for range 50 {
				time.Sleep(time.Duration(r.Int64N(int64(time.Second))))
				j.drain()
				_, wait := j.take()
				time.Sleep(wait)
				if ok, more := j.take(); !ok {
					t.Fatalf("%v: after a wait of %v it says %v", rule, wait, more)
				}
			}
		})
	}
}

func TestTake_someAtOnce(t *testing.T) {
	now := time.Now()
	rule := limit.Rule{{100, time.Minute}, {130, time.Hour}}
	var b limit.Bucket
	for i, step := range []struct{ want, got int }{{1, 1}, {60, 60}, {60, 39}, {1, 0}, {60, 0}, {0, 0}} {
		after, got, wait := rule.Take(b, now, step.want)
		if got != step.got || got == 0 && step.want > 0 && wait <= 0 {
			t.Errorf("step %d: Take(%d) = %d, wait %v; want %d", i, step.want, got, wait, step.got)
		}
		b = after
	}
	if _, got, _ := rule.Take(b, now.Add(time.Hour), 1000); got != 100 {
		t.Errorf("Take(1000) an hour later = %d, want 100", got)
	}
}

func TestTake_withoutRates(t *testing.T) {
	if _, got, wait := (limit.Rule)(nil).Take(limit.Bucket{}, time.Now(), 5); got != 5 || wait != 0 {
		t.Errorf("Take(5) = %d, %v; want 5 at once", got, wait)
	}
}

// A clock that jumps must not keep anybody out for longer than one period, nor
// let more than a bucketful through at once.
func TestTake_clockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Millisecond, time.Second, time.Hour, 400 * 24 * time.Hour} {
		bubble(t, limit.Rule{{10, time.Minute}}, func(j *jug) {
			j.want("at first", j.drain(), 10)
			j.back = jump
			j.want("set back", j.drain(), 0)
			time.Sleep(6 * time.Second)
			j.want("set back, one part later", j.drain(), 1)
			time.Sleep(time.Minute)
			j.want("set back, a period later", j.drain(), 10)
		})
		bubble(t, limit.Rule{{10, time.Minute}}, func(j *jug) {
			j.want("at first", j.drain(), 10)
			j.back = -jump
			if n := j.drain(); n > 10 {
				j.t.Errorf("set forward by %v: %d admitted, want at most 10", jump, n)
			}
			j.back = 0
			j.want("set right again", j.drain(), 0)
			time.Sleep(time.Minute)
			j.want("a period later", j.drain(), 10)
		})
	}
}

// What has been used stays used when a limit is changed, no more and no less.
func TestTake_otherRules(t *testing.T) {
	for _, c := range []struct {
		name        string
		before      limit.Rule
		after       limit.Rule
		used, still int
	}{
		{"raised", limit.Rule{{10, time.Minute}}, limit.Rule{{100, time.Minute}}, 10, 90},
		{"lowered", limit.Rule{{100, time.Minute}}, limit.Rule{{10, time.Minute}}, 5, 5},
		{"lowered below what was used", limit.Rule{{100, time.Minute}}, limit.Rule{{10, time.Minute}}, 50, 0},
		{"a rate more", limit.Rule{{10, time.Minute}}, limit.Rule{{3, time.Second}, {10, time.Minute}}, 8, 2},
		{"a rate less", conversation, limit.Rule{{100, time.Hour}}, 10, 90},
		{"another unit", limit.Rule{{10, time.Minute}}, limit.Rule{{7, time.Hour}}, 10, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, c.before, func(j *jug) {
				for range c.used {
					j.take()
				}
				j.rule = c.after
				j.want("under the new rule", j.drain(), c.still)
				time.Sleep(c.after[len(c.after)-1].Per)
				j.want("a period later", j.drain(), c.after.Capacity())
			})
		})
	}
}

func TestFullAt(t *testing.T) {
	bubble(t, conversation, func(j *jug) {
		j.take()
		if got, want := time.Until(j.rule.FullAt(j.b)), 24*time.Hour/500; got != want {
			t.Errorf("FullAt() is in %v, want in %v", got, want)
		}
		time.Sleep(24 * time.Hour / 500)
		refilled := j.rule.Refill(j.b, time.Now())
		if !j.rule.FullAt(refilled).Equal(time.UnixMicro(time.Now().UnixMicro())) {
			t.Errorf("FullAt() of a full bucket = %v, want now", j.rule.FullAt(refilled))
		}
	})
}

// A row that something broke keeps nobody out.
func TestDecode_ofAnything(t *testing.T) {
	now := time.Now()
	var used limit.Bucket
	for range 10 {
		used, _, _ = conversation.Take(used, now, 1)
	}
	whole := used.Encode()
	if again := limit.Decode(whole).Encode(); !bytes.Equal(again, whole) {
		t.Errorf("Decode(%x).Encode() = %x", whole, again)
	}
	if _, got, _ := conversation.Take(limit.Decode(whole), now, 1); got != 0 {
		t.Errorf("Take() from a bucket that was kept = %d, want 0", got)
	}
	for n := range len(whole) {
		if n%16 == 8 {
			continue // a bucket of fewer rates
		}
		if _, got, _ := conversation.Take(limit.Decode(whole[:n]), now, 1); got != 1 {
			t.Errorf("Take() from %d of %d bytes = %d, want 1", n, len(whole), got)
		}
	}
	for _, state := range [][]byte{nil, bytes.Repeat([]byte{0xff}, 56), bytes.Repeat([]byte{0xff}, 8), make([]byte, 8+16*100), bytes.Repeat([]byte{0x7f}, 56)} {
		if _, got, _ := conversation.Take(limit.Decode(state), now, 1); got != 1 {
			t.Errorf("Take() from %x = %d, want 1", state, got)
		}
	}
}

// The largest rates don't overflow.
func TestTake_largest(t *testing.T) {
	bubble(t, limit.Rule{{limit.MaxN, limit.MaxPer}}, func(j *jug) {
		after, got, _ := j.rule.Take(j.b, time.Now(), math.MaxInt)
		j.want("everything", got, limit.MaxN)
		if _, got, wait := j.rule.Take(after, time.Now(), 1); got != 0 || wait != 86400*time.Microsecond {
			t.Errorf("Take() from an empty bucket = %d, %v", got, wait)
		}
		time.Sleep(limit.MaxPer / 2)
		_, got, _ = j.rule.Take(after, time.Now(), math.MaxInt)
		j.want("half a day later", got, limit.MaxN/2)
	})
}
