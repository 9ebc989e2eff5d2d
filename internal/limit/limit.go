// Package limit decides how fast things may be done, with token buckets. It is
// pure: state and a time go in, a decision and the new state come out. Who keeps
// the state, and between whom it is shared, is left to others.
package limit

import (
	"encoding/binary"
	"math"
	"time"
)

// Bounds of a rate. They keep the arithmetic of a Bucket far inside an int64.
const (
	MaxN   = 1_000_000
	MaxPer = 24 * time.Hour
)

// Rate is how many tokens a bucket holds, and in what time that many flow into
// it: N at once, and then one in each Nth part of Per.
type Rate struct {
	N   int           // 1 to MaxN
	Per time.Duration // one microsecond to MaxPer
}

func (r Rate) per() int64 { return r.Per.Microseconds() }

// capacity is what a full bucket of this rate holds, as levels are counted.
func (r Rate) capacity() int64 { return int64(r.N) * r.per() }

// Rule is rates that must all admit, each with a Per of its own. None of them
// means that there is no limit.
type Rule []Rate

// Bucket is what is known of somebody's use of a rule. The zero Bucket is full:
// nothing has been taken from it.
type Bucket struct {
	at     int64 // when the levels were true, in microseconds since 1970
	levels []level
}

// level is how much is missing from a bucket. It is found again by its Per, so
// that a limit can be changed without forgetting what has been used.
type level struct {
	per     int64 // of the rate, in microseconds
	missing int64 // tokens times per: so N of it flow back in a microsecond, and nothing is ever rounded
}

// Take takes up to want tokens and returns the bucket without them. If there is
// not even one it returns got == 0, the bucket as it was, and how long it takes
// until there is one.
//
// A clock that was set forward fills the bucket; one that was set back does not.
// Neither makes anybody wait for longer than one Per, if Ahead is heeded, nor
// lets more than N through at once.
func (r Rule) Take(b Bucket, now time.Time, want int) (after Bucket, got int, wait time.Duration) {
	after = r.Refill(b, now)
	got = want
	for i, rate := range r {
		per := rate.per()
		free := rate.capacity() - after.levels[i].missing
		got = min(got, int(free/per))
		if free < per {
			wait = max(wait, time.Duration(ceil(per-free, int64(rate.N)))*time.Microsecond)
		}
	}
	if got <= 0 {
		return b, 0, wait
	}
	for i := range after.levels {
		after.levels[i].missing += int64(got) * after.levels[i].per
	}
	return after, got, 0
}

// Ahead tells that the clock was set back since the bucket was kept. Then what
// Refill returns has to be kept even though nothing was taken, or the bucket
// would only begin to refill when the clock comes to where it was before.
func (b Bucket) Ahead(now time.Time) bool { return b.at > now.UnixMicro() }

// Refill returns the bucket as it is now.
func (r Rule) Refill(b Bucket, now time.Time) Bucket {
	after := Bucket{at: now.UnixMicro(), levels: make([]level, len(r))}
	since := max(0, after.at-b.at)
	for i, rate := range r {
		l := level{per: rate.per()}
		for _, old := range b.levels {
			if old.per == l.per {
				l.missing = min(old.missing, rate.capacity()) // N may have become smaller
			}
		}
		l.missing = max(0, l.missing-int64(rate.N)*min(since, l.per))
		after.levels[i] = l
	}
	return after
}

// FullAt is when nothing is missing from a bucket any more: from then on it is
// as good as none.
func (r Rule) FullAt(b Bucket) time.Time {
	var wait int64
	for i, rate := range r {
		if i < len(b.levels) {
			wait = max(wait, ceil(b.levels[i].missing, int64(rate.N)))
		}
	}
	return time.UnixMicro(b.at + wait)
}

// Capacity is how many tokens a full bucket gives at once.
func (r Rule) Capacity() int {
	n := math.MaxInt
	for _, rate := range r {
		n = min(n, rate.N)
	}
	return n
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }

// maxLevels bounds what Decode reads.
const maxLevels = 8

// Encode returns the bucket in a form of which it can be made again: 8 bytes,
// and 16 for each rate.
func (b Bucket) Encode() []byte {
	state := binary.BigEndian.AppendUint64(nil, uint64(b.at))
	for _, l := range b.levels {
		state = binary.BigEndian.AppendUint64(state, uint64(l.per))
		state = binary.BigEndian.AppendUint64(state, uint64(l.missing))
	}
	return state
}

// Decode is the inverse of Encode. What Encode did not make is a full bucket:
// nobody is to be kept out by a broken row.
func Decode(state []byte) (b Bucket) {
	if len(state) < 8 || len(state)%16 != 8 || len(state) > 8+16*maxLevels {
		return Bucket{}
	}
	b.at = int64(binary.BigEndian.Uint64(state))
	for rest := state[8:]; len(rest) > 0; rest = rest[16:] {
		l := level{per: int64(binary.BigEndian.Uint64(rest)), missing: int64(binary.BigEndian.Uint64(rest[8:]))}
		if l.per <= 0 || l.missing < 0 {
			return Bucket{}
		}
		b.levels = append(b.levels, l)
	}
	if b.at < 0 {
		return Bucket{}
	}
	return b
}
