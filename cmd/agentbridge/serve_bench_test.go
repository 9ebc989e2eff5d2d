package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"agentbridge/internal/bench"
)

// BenchmarkServeMCPSend is ten agents that send over /mcp, all in this process:
// with -cpuprofile it shows where a call's time goes. The agents are part of it;
// 'agentbridge bench' has them in a process of their own.
func BenchmarkServeMCPSend(b *testing.B) {
	const agents = 10
	target := &bench.Target{Name: "own", URL: serveHere(b)}
	var each sync.WaitGroup
	turns := make(chan struct{})
	took := make([][]time.Duration, agents)
	for n := range agents {
		agent, err := target.Enter(b.Context(), bench.MCP, "bench")
		if err != nil {
			b.Fatal(err)
		}
		defer agent.Close()
		each.Go(func() {
			for range turns {
				began := time.Now()
				if _, err := agent.Send(b.Context(), "bench", strings.Repeat("the quick brown fox. ", 49), ""); err != nil {
					b.Error(err)
				}
				took[n] = append(took[n], time.Since(began))
			}
		})
	}
	b.ResetTimer()
	for range b.N {
		turns <- struct{}{}
	}
	close(turns)
	each.Wait()
	b.StopTimer()
	var all []time.Duration
	for _, t := range took {
		all = append(all, t...)
	}
	report(b, "", all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
}

// serveHere runs the command serve in this process until the benchmark ends and
// returns its address.
func serveHere(b *testing.B) (url string) {
	db := filepath.Join(b.TempDir(), "bridge.db")
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--port", "0", "--limits", "off", "--db", db}, stdio{os.Stdin, in, os.Stderr})
		in.Close()
	}()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 && fields[0] == "MCP" {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the server
			return strings.TrimSuffix(fields[1], "/mcp")
		}
	}
	b.Fatal("serve ended before it said where it is")
	return ""
}
