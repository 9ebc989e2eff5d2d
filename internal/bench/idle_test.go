package bench_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
	"agentbridge/internal/mcpserver"
)

func TestIdle(t *testing.T) {
	server := target(t, "")
	server.PID = os.Getpid
	anew := 0
	server.Restart = func(context.Context) error { anew++; return nil }
	results := mustMeasure(t, "idle", server, bench.Settings{Sessions: 20, Duration: 20 * time.Millisecond})
	res := resultOf(t, results, bench.MCP, "sessions with streams")
	if res.Agents != 20 || res.Count != 20 || res.P50 <= 0 || res.Figures["sessions found ended"] != 0 {
		t.Errorf("20 idle sessions: %+v", res)
	}
	if anew != 1 || strings.Contains(res.Note, "anew") {
		t.Errorf("started anew %d times, note %q; want once, so that its memory is only what the sessions need", anew, res.Note)
	}
	if _, known := res.Figures["MiB"]; !known && res.Note == "" {
		t.Errorf("neither memory nor a word about why not: %+v", res)
	}
	resultOf(t, results, bench.MCP, "nobody connected")
}

// TestIdle_full: that a server has a limit is a fact about it and no fault.
func TestIdle_full(t *testing.T) {
	url := serve(t, func() http.Handler {
		mcp := mcpserver.New(bridgetest.Unlimited(t), mcpserver.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), MaxSessions: 16})
		t.Cleanup(mcp.Close)
		return route("/mcp", mcp.Handler(), faces(t, bridgetest.Unlimited(t), ""))
	})
	results, err := measure(t, "idle", &bench.Target{Name: "own", URL: url}, bench.Settings{Sessions: 30, Duration: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	res := resultOf(t, results, bench.MCP, "sessions with streams")
	if res.Agents != 12 || !strings.Contains(res.Note, "admitted 12 of 30") || !strings.Contains(res.Note, "--max-sessions") {
		t.Errorf("%d of 30 sessions, note %q; want the 12 that 16 places hold for the nameless, and a word about it", res.Agents, res.Note)
	}
}
