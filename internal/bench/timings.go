package bench

import (
	"math"
	"slices"
	"time"
)

// Timings are how long operations took, each of them: nothing is sampled or
// put into buckets, so a percentile is an operation that happened. The zero
// value is ready; one goroutine at a time.
type Timings struct{ all []time.Duration }

// Add keeps one.
func (t *Timings) Add(d time.Duration) { t.all = append(t.all, d) }

// Join adds those of another.
func (t *Timings) Join(o *Timings) { t.all = append(t.all, o.all...) }

// Count is how many there are.
func (t *Timings) Count() int64 { return int64(len(t.all)) }

// Into writes percentiles (nearest rank), mean, count and rate into a result
// that took elapsed in all.
func (t *Timings) Into(r *Result, elapsed time.Duration) {
	r.Count, r.Seconds = t.Count(), elapsed.Seconds()
	if r.Seconds > 0 {
		r.Rate = float64(r.Count) / r.Seconds
	}
	if len(t.all) == 0 {
		return
	}
	slices.Sort(t.all)
	var sum time.Duration
	for _, d := range t.all {
		sum += d
	}
	r.P50, r.P95, r.P99 = ms(t.rank(0.50)), ms(t.rank(0.95)), ms(t.rank(0.99))
	r.Max, r.Mean = ms(t.all[len(t.all)-1]), ms(sum)/float64(len(t.all))
}

// rank returns the smallest one that a share q of all does not exceed. They are
// sorted.
func (t *Timings) rank(q float64) time.Duration {
	return t.all[max(0, int(math.Ceil(q*float64(len(t.all))))-1)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
