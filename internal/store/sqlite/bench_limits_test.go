package sqlite_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
)

// BenchmarkLimits is what limits cost a durable send: each is done without and
// with them in turn, at the same place in the same moments. Senders change
// their names before the limit stops them.
func BenchmarkLimits(b *testing.B) {
	for _, senders := range []int{1, 100} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			off, _ := benchLimited(b, limit.Off())
			on, _ := benchLimited(b, limit.Default())
			body, err := agentbridge.Text(string(make1k()))
			if err != nil {
				b.Fatal(err)
			}
			const each = 50 // sends of each sender in a round
			var free, limited, freeRounds, limitedRounds []time.Duration
			for i := 0; b.Loop(); i++ {
				for _, side := range []struct {
					s      agentbridge.Session
					sends  *[]time.Duration
					rounds *[]time.Duration
				}{{off, &free, &freeRounds}, {on, &limited, &limitedRounds}} {
					start := time.Now()
					*side.sends = append(*side.sends, sendRound(b, side.s, body, senders, each, i)...)
					*side.rounds = append(*side.rounds, time.Since(start))
				}
			}
			without, with := median(free), median(limited)
			b.ReportMetric(float64(without.Microseconds()), "off-p50-µs")
			b.ReportMetric(float64(with.Microseconds()), "on-p50-µs")
			b.ReportMetric(float64(with)/float64(without), "p50-ratio")
			b.ReportMetric(float64(median(limitedRounds))/float64(median(freeRounds)), "time-ratio")
			b.ReportMetric(float64(senders*each)/median(limitedRounds).Seconds(), "on-sends/s")
		})
	}
}

// sendRound has each sender send so many messages, and returns how long they
// took.
func sendRound(b *testing.B, s agentbridge.Session, body agentbridge.Body, senders, each, round int) []time.Duration {
	var mu sync.Mutex // guards took
	var took []time.Duration
	var wg sync.WaitGroup
	for i := range senders {
		draft := agentbridge.Draft{Channel: agentbridge.ChannelName(fmt.Sprintf("bench:%d", i)), Sender: agentbridge.AgentName(fmt.Sprintf("bench-%d-%d", i, round/100)), Body: body}
		wg.Go(func() {
			var mine []time.Duration
			for range each {
				start := time.Now()
				if _, err := s.Send(context.Background(), draft); err != nil {
					b.Error(err)
				}
				mine = append(mine, time.Since(start))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return took
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}
