package bench_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

func TestState(t *testing.T) {
	server := target(t, "")
	results := mustMeasure(t, "state", server, bench.Settings{Messages: 210, Duration: 20 * time.Millisecond, Doors: []bench.Door{bench.HTTP, bench.MCP}})
	for _, door := range []bench.Door{bench.HTTP, bench.MCP} {
		alone := resultOf(t, results, door, "210 messages")
		busy := resultOf(t, results, door, "210 messages, 10 sending")
		if alone.Count == 0 || alone.P50 <= 0 || alone.Note != "" || alone.Figures["messages"] != 210 {
			t.Errorf("through %s, alone: %+v", door, alone)
		}
		if busy.Count == 0 || busy.Figures["sends/s meanwhile"] <= 0 || busy.Figures["failed sends"] != 0 {
			t.Errorf("through %s, while others send: %+v", door, busy)
		}
	}
	if n, err := enter(t, server, bench.HTTP, "who-looks").List(t.Context()); n != 0 || err != nil {
		t.Errorf("afterwards %d channels, %v; want none left", n, err)
	}
}

// careless acknowledges one send that it does not store.
type careless struct {
	agentbridge.Session
	sends *atomic.Int64
}

func (c careless) Send(ctx context.Context, d agentbridge.Draft) (agentbridge.Sent, error) {
	if c.sends.Add(1) == 77 {
		return agentbridge.Sent{ID: agentbridge.MessageID("00000000-0000-8000-8000-000000000000")}, nil
	}
	return c.Session.Send(ctx, d)
}

func TestState_lost(t *testing.T) {
	var sends atomic.Int64
	bridge := flawed{Bridge: bridgetest.Unlimited(t), session: func(s agentbridge.Session) agentbridge.Session { return careless{s, &sends} }}
	results, err := measure(t, "state", throughEngine(bridge), bench.Settings{Messages: 200, Duration: 20 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "names only 199 of 200 channels") {
		t.Errorf("an overview without a channel: %v; want an error that says so", err)
	}
	if res := resultOf(t, results, bench.Engine, "200 messages"); res.Lost != 1 || !res.Failed() {
		t.Errorf("one of 200 messages is not there: %d lost; want 1", res.Lost)
	}
}

func TestDisk(t *testing.T) {
	bridge := bridgetest.Unlimited(t)
	// A target without a process is taken for another one, whose database may be
	// opened. Here that costs locks of SQLite, which nobody else contends for.
	server := onlyHTTP(t, faces(t, bridge, ""))
	server.DB = filepath.Join(bridge.Dir, bridgetest.Database)
	results := mustMeasure(t, "disk", server, bench.Settings{Messages: 100, Size: 600, Duration: 20 * time.Millisecond})
	if len(results) != 2 {
		t.Fatalf("%d results; want one of each size", len(results))
	}
	for size, which := range map[float64]string{200: "100 messages of 200 bytes", 600: "100 messages of 600 bytes"} {
		res := resultOf(t, results, bench.HTTP, which)
		if each := res.Figures["bytes/message"]; each <= size || each > 10*size || res.Count != 100 || res.Note != "" {
			t.Errorf("%s: %+v; want somewhat more on disk than was sent", which, res)
		}
	}
}

func TestDisk_ofThisProcess(t *testing.T) {
	bridge := bridgetest.Unlimited(t)
	server := onlyHTTP(t, faces(t, bridge, ""))
	server.DB, server.PID = filepath.Join(bridge.Dir, bridgetest.Database), os.Getpid
	results := mustMeasure(t, "disk", server, bench.Settings{Messages: 100, Size: 200, Duration: 20 * time.Millisecond})
	if len(results) != 1 || results[0].Figures["bytes/message"] <= 200 || !strings.Contains(results[0].Note, "write-ahead log") {
		t.Errorf("a database that this process has open: %+v; want its files' growth, and that said", results)
	}
}

func TestDisk_unknown(t *testing.T) {
	results := mustMeasure(t, "disk", &bench.Target{Name: "far", URL: "http://127.0.0.1:1"}, bench.Settings{})
	if len(results) != 1 || !strings.Contains(results[0].Note, "not known") {
		t.Errorf("a database nobody knows: %+v; want one note", results)
	}
}

// onlyHTTP is a target with a server in this process and no other door.
func onlyHTTP(t *testing.T, handler http.Handler) *bench.Target {
	return &bench.Target{Name: "own", URL: serve(t, func() http.Handler { return handler })}
}
