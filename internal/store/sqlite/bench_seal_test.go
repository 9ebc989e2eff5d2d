//go:build unix

package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"agentbridge/internal/store/sqlite"
)

// BenchmarkSealedSend is one durable message of 1 KiB, in clear and sealed, in
// turns, so that both meet the same disk.
func BenchmarkSealedSend(b *testing.B) {
	dir := b.TempDir()
	clear := open(b, filepath.Join(dir, "clear.db"), sqlite.Options{})
	path := filepath.Join(dir, "sealed.db")
	sealed := open(b, path, encrypted(path))
	text := string(make1k())
	took := map[*sqlite.Store][]time.Duration{}
	for b.Loop() {
		for _, s := range []*sqlite.Store{clear, sealed} {
			start := time.Now()
			mustPost(b, s, "bench", text)
			took[s] = append(took[s], time.Since(start))
		}
	}
	report(b, took[sealed])
	b.ReportMetric(float64(median(took[clear]).Microseconds()), "clear-p50-µs")
	b.ReportMetric(float64(median(took[sealed]).Microseconds()), "sealed-p50-µs")
}

// BenchmarkReseal is what encrypting a database of 100,000 messages of 1 KiB
// takes, for each message.
func BenchmarkReseal(b *testing.B) {
	const channels, each = 10, 10_000
	path := filepath.Join(b.TempDir(), "bridge.db")
	s := open(b, path, sqlite.Options{})
	fill(b, s, channels, each)
	sealed := open(b, path, encrypted(path))
	ring := ringOf(path)
	start := time.Now()
	if err := sealed.Reseal(context.Background()); err != nil {
		b.Fatal(err)
	}
	first := time.Since(start)
	for b.Loop() {
		if err := rotate(sealed, ring); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(first.Seconds(), "first-s")
}
