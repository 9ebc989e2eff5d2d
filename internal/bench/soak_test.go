package bench_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

// mortal is a server whose connections all end at once when it is killed, in the
// middle of what they carry, and whose sessions are forgotten then.
type mortal struct {
	t      *testing.T
	bridge *bridgetest.Bridge
	addr   string
	kills  int
	server *http.Server
	ended  chan struct{}
}

// mortalTarget is a target that may be killed. It ends with the test.
func mortalTarget(t *testing.T) (*bench.Target, *mortal) {
	m := &mortal{t: t, bridge: bridgetest.Unlimited(t), addr: "127.0.0.1:0"}
	if err := m.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.kill)
	return &bench.Target{Name: "mortal", URL: "http://" + m.addr, Restart: m.restart}, m
}

func (m *mortal) start(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", m.addr)
	if err != nil {
		return err
	}
	m.addr = l.Addr().String()
	m.server, m.ended = &http.Server{Handler: faces(m.t, m.bridge, "")}, make(chan struct{})
	go func(s *http.Server, ended chan struct{}) {
		defer close(ended)
		_ = s.Serve(l) // it ends by being killed
	}(m.server, m.ended)
	return nil
}

func (m *mortal) kill() {
	_ = m.server.Close()
	<-m.ended
}

func (m *mortal) restart(ctx context.Context) error {
	m.kill()
	m.kills++
	return m.start(ctx)
}

func TestSoak(t *testing.T) {
	target, server := mortalTarget(t)
	results := mustSoak(t, target)
	res := results[0]
	if server.kills < 3 || res.Figures["restarts"] != float64(server.kills) {
		t.Errorf("%d kills, figures %v; want at least three, and all of them reported", server.kills, res.Figures)
	}
	if res.Failed() {
		t.Errorf("%d lost, %d duplicated, %d disordered over %d restarts", res.Lost, res.Duplicated, res.Disordered, server.kills)
	}
	if res.Door != "http+mcp" || res.Agents != 9 || res.Count == 0 || res.Figures["sent"] != float64(res.Count) {
		t.Errorf("%+v; want what nine agents sent through both doors", res)
	}
	if res.Figures["received"] != res.Figures["sent"] {
		t.Errorf("%v messages were sent and %v received; want all", res.Figures["sent"], res.Figures["received"])
	}
	if res.Errors == 0 || res.Figures["outage max ms"] <= 0 {
		t.Errorf("%d errors, outage %v ms; want those of the kills", res.Errors, res.Figures["outage max ms"])
	}
}

func mustSoak(t *testing.T, target *bench.Target) []bench.Result {
	t.Helper()
	results, err := measure(t, "soak", target, bench.Settings{Duration: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 {
		t.Fatalf("%+v; want one result", results)
	}
	return results
}

// A bridge that forgets what it has promised when it is killed has failed,
// however fast it comes back.
func TestSoak_forgets(t *testing.T) {
	target, server := mortalTarget(t)
	target.Restart = func(ctx context.Context) error {
		server.kill()
		server.kills++
		if server.kills == 3 {
			server.bridge = bridgetest.Unlimited(t)
		}
		return server.start(ctx)
	}
	if res := mustSoak(t, target)[0]; res.Lost == 0 || !res.Failed() {
		t.Errorf("a server that came back empty: %d lost; want what it had acknowledged", res.Lost)
	}
}

func TestSoak_doesNotComeBack(t *testing.T) {
	target, server := mortalTarget(t)
	target.Restart = func(context.Context) error {
		server.kill()
		return errors.New("it is gone")
	}
	results, err := measure(t, "soak", target, bench.Settings{Duration: 100 * time.Millisecond})
	if err == nil || len(results) != 0 {
		t.Errorf("a server that does not come back: %+v, %v; want an error", results, err)
	}
}

func TestSoak_notOurs(t *testing.T) {
	results, err := measure(t, "soak", target(t, ""), bench.Settings{})
	if err != nil || len(results) != 1 || results[0].Note == "" {
		t.Errorf("a server that is not ours: %+v, %v; want a note that it was left alone", results, err)
	}
}
