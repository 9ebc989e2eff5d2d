package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
)

// BenchmarkDisk is the physical limit: what one fdatasync of an overwritten
// 4 KiB block costs where the other benchmarks keep their files.
func BenchmarkDisk(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "block"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		start := time.Now()
		if _, err := f.WriteAt(block, 0); err != nil {
			b.Fatal(err)
		}
		if err := fdatasync(f); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	report(b, took)
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkLoneSend is one durable send of 1 KiB through the engine, and beside
// each what an fdatasync of 4 KiB takes at the same place in the same moment.
func BenchmarkLoneSend(b *testing.B) {
	s := benchSession(b)
	body, err := agentbridge.Text(string(make1k()))
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(filepath.Join(b.TempDir(), "block"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	var sends, disk []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := f.WriteAt(block, 0); err != nil {
			b.Fatal(err)
		}
		if err := fdatasync(f); err != nil {
			b.Fatal(err)
		}
		disk = append(disk, time.Since(start))
		start = time.Now()
		if _, err := s.Send(context.Background(), agentbridge.Draft{Channel: "bench", Sender: "bench", Body: body}); err != nil {
			b.Fatal(err)
		}
		sends = append(sends, time.Since(start))
	}
	report(b, sends)
	slices.Sort(disk)
	b.ReportMetric(float64(disk[len(disk)/2].Microseconds()), "disk-p50-µs")
	b.ReportMetric(float64(sends[len(sends)/2])/float64(disk[len(disk)/2]), "ratio")
}

// BenchmarkSend is one durable send through the engine with one sender, and
// with many at once.
func BenchmarkSend(b *testing.B) {
	for _, senders := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			s := benchSession(b)
			body, err := agentbridge.Text(string(make1k()))
			if err != nil {
				b.Fatal(err)
			}
			var mu sync.Mutex
			var took []time.Duration
			var wg sync.WaitGroup
			work := make(chan int)
			b.ResetTimer()
			for i := range senders {
				channel := agentbridge.ChannelName(fmt.Sprintf("bench:%d", i))
				wg.Go(func() {
					var mine []time.Duration
					for range work {
						start := time.Now()
						if _, err := s.Send(context.Background(), agentbridge.Draft{Channel: channel, Sender: "bench", Body: body}); err != nil {
							b.Error(err)
						}
						mine = append(mine, time.Since(start))
					}
					mu.Lock()
					took = append(took, mine...)
					mu.Unlock()
				})
			}
			for range b.N {
				work <- 0
			}
			close(work)
			wg.Wait()
			b.StopTimer()
			report(b, took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
		})
	}
}

func make1k() []byte {
	text := make([]byte, 1024)
	for i := range text {
		text[i] = "the quick brown fox jumps over the lazy dog, "[i%45]
	}
	return text
}

func benchSession(b *testing.B) agentbridge.Session {
	s, _ := benchBridge(b)
	return s
}

// benchBridge is a session and the store below it, without limits.
func benchBridge(b *testing.B) (agentbridge.Session, *sqlite.Store) {
	return benchLimited(b, limit.Off())
}

func benchLimited(b *testing.B, limits limit.Table) (agentbridge.Session, *sqlite.Store) {
	path := filepath.Join(b.TempDir(), "bridge.db")
	st, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := relay.New(context.Background(), st, relay.Options{KeyFile: path + ".key", Limits: limits})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		r.Close()
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	s, err := r.Open(context.Background(), agentbridge.Local())
	if err != nil {
		b.Fatal(err)
	}
	return s, st
}

// fill puts so many messages into each of so many channels.
func fill(b *testing.B, st *sqlite.Store, channels, each int) {
	b.Helper()
	for i := range channels {
		err := st.Update(context.Background(), func(t store.Tx) error {
			c, err := t.OpenChannel(agentbridge.ChannelName(fmt.Sprintf("full:%03d", i)), false)
			if err != nil {
				return err
			}
			m := agentbridge.Message{Sender: "bench", Content: string(make1k()), Encoding: agentbridge.LegacyText, At: time.Now()}
			for range each {
				if _, err := t.Append(c, m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChannels is a listing of 200 channels that hold 200 messages, and
// one that holds 200,000: it must not be the messages that take the time.
func BenchmarkChannels(b *testing.B) {
	const channels = 200
	for _, each := range []int{1, 1000} {
		b.Run(fmt.Sprintf("messages=%d", channels*each), func(b *testing.B) {
			s, st := benchBridge(b)
			fill(b, st, channels, each)
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				start := time.Now()
				list, err := s.Channels(context.Background(), agentbridge.ChannelQuery{})
				if err != nil || len(list.Channels) != channels || list.TotalMessages != int64(channels*each) {
					b.Fatalf("Channels: got %d of %d messages, %v, want %d of %d", len(list.Channels), list.TotalMessages, err, channels, channels*each)
				}
				took = append(took, time.Since(start))
			}
			report(b, took)
		})
	}
}

// crowd is agents that wait for the next message of a channel.
type crowd struct {
	woken chan time.Time // when one of them held a message
	wg    sync.WaitGroup
}

// gather has so many wait, each on the channel that name returns, until ctx
// ends.
func gather(b *testing.B, ctx context.Context, s agentbridge.Session, n int, name func(int) agentbridge.ChannelName) *crowd {
	b.Helper()
	body, err := agentbridge.Text("first")
	if err != nil {
		b.Fatal(err)
	}
	c := &crowd{woken: make(chan time.Time, n)}
	first := map[agentbridge.ChannelName]agentbridge.MessageID{}
	for i := range n {
		if first[name(i)] == "" {
			sent, err := s.Send(ctx, agentbridge.Draft{Channel: name(i), Sender: "bench", Body: body})
			if err != nil {
				b.Fatal(err)
			}
			first[name(i)] = sent.ID
		}
		request := agentbridge.ReadRequest{Channel: name(i), After: first[name(i)]}
		c.wg.Go(func() {
			for ctx.Err() == nil {
				page, err := s.Wait(ctx, request, agentbridge.MaxWait)
				if err != nil || len(page.Messages) == 0 {
					continue
				}
				c.woken <- time.Now()
				request.After = page.Next
			}
		})
	}
	return c
}

// BenchmarkWakeUp is the time from the start of a send until each of 200
// waiters on its channel holds the message.
func BenchmarkWakeUp(b *testing.B) {
	const waiters = 200
	s := benchSession(b)
	ctx, cancel := context.WithCancel(context.Background())
	body, err := agentbridge.Text(string(make1k()))
	if err != nil {
		b.Fatal(err)
	}
	c := gather(b, ctx, s, waiters, func(int) agentbridge.ChannelName { return "bench:bell" })
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := s.Send(ctx, agentbridge.Draft{Channel: "bench:bell", Sender: "bench", Body: body}); err != nil {
			b.Fatal(err)
		}
		for range waiters {
			took = append(took, (<-c.woken).Sub(start))
		}
	}
	cancel()
	c.wg.Wait()
	report(b, took)
}

// BenchmarkSendBesideWaiters is a send with nobody waiting, and with 300 who
// wait on other channels.
func BenchmarkSendBesideWaiters(b *testing.B) {
	for _, waiters := range []int{0, 300} {
		b.Run(fmt.Sprintf("waiters=%d", waiters), func(b *testing.B) {
			s := benchSession(b)
			ctx, cancel := context.WithCancel(context.Background())
			body, err := agentbridge.Text(string(make1k()))
			if err != nil {
				b.Fatal(err)
			}
			c := gather(b, ctx, s, waiters, func(i int) agentbridge.ChannelName {
				return agentbridge.ChannelName(fmt.Sprintf("bench:%d", i))
			})
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := s.Send(ctx, agentbridge.Draft{Channel: "bench:other", Sender: "bench", Body: body}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			cancel()
			c.wg.Wait()
			report(b, took)
		})
	}
}
