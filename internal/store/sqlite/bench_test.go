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
	"agentbridge/internal/relay"
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
	path := filepath.Join(b.TempDir(), "bridge.db")
	st, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := relay.New(context.Background(), st, relay.Options{KeyFile: path + ".key"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		r.Close()
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	s, err := r.Open(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return s
}
