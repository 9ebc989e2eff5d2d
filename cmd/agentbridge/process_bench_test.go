package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// report adds the median and the 99th percentile of what was measured.
func report(b *testing.B, name string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), name+"p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), name+"p99-µs")
}

// BenchmarkStart is what an agent waits for when its client starts: from the
// start of 'agentbridge stdio' on a database that exists to the answer to
// initialize.
func BenchmarkStart(b *testing.B) {
	h := newHome(b)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		p := h.stdio(b)
		p.member()
		took = append(took, time.Since(began))
		p.in.Close()
		<-p.exited
	}
	report(b, "", took)
}

// BenchmarkStdioSend is one durable bridge_send of 1 KiB by an agent, from its
// request on the pipe to the answer, and beside each what the disk alone takes
// for an fdatasync of 4 KiB at the same place.
func BenchmarkStdioSend(b *testing.B) {
	h := newHome(b)
	m := h.stdio(b, "--limits", "off").member()
	f, err := os.Create(filepath.Join(string(h), "block"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	arguments := args{"channel": "bench", "sender": "bench", "content": strings.Repeat("the quick brown fox. ", 49)}
	var sends, disk []time.Duration
	for b.Loop() {
		began := time.Now()
		m.must("bridge_send", arguments)
		sends = append(sends, time.Since(began))

		began = time.Now()
		if _, err := f.WriteAt(block, 0); err != nil {
			b.Fatal(err)
		}
		if err := syncData(f); err != nil {
			b.Fatal(err)
		}
		disk = append(disk, time.Since(began))
	}
	report(b, "", sends)
	report(b, "disk-", disk)
}
