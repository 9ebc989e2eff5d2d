package bench_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/bench"
)

// measure runs a scenario as the command does, and returns what it found.
func measure(t *testing.T, name string, target *bench.Target, s bench.Settings) ([]bench.Result, error) {
	t.Helper()
	all := bench.Scenarios()
	at := slices.IndexFunc(all, func(s bench.Scenario) bool { return s.Name == name })
	if at < 0 {
		t.Fatalf("there is no scenario %s", name)
	}
	s.Dir = t.TempDir()
	r := &bench.Run{Scenario: name, Target: target, Settings: s.WithDefaults(), ID: "0123abcd", Progress: t.Logf,
		Disk: func() bench.Disk { return bench.Disk{P50: time.Millisecond} }}
	err := all[at].Run(t.Context(), r)
	return r.Results(), err
}

// mustMeasure is measure where nothing may go wrong.
func mustMeasure(t *testing.T, name string, target *bench.Target, s bench.Settings) []bench.Result {
	t.Helper()
	results, err := measure(t, name, target, s)
	if err != nil {
		t.Fatalf("the scenario %s failed: %v", name, err)
	}
	for _, res := range results {
		if res.Failed() || res.Errors > 0 {
			t.Errorf("%s through %s (%s): %d lost, %d duplicated, %d disordered, errors %v; want none",
				name, res.Door, res.Case, res.Lost, res.Duplicated, res.Disordered, res.ErrorsBy)
		}
	}
	return results
}

// resultOf is the result of a door and a case.
func resultOf(t *testing.T, results []bench.Result, door bench.Door, which string) bench.Result {
	t.Helper()
	for _, res := range results {
		if res.Door == door && res.Case == which {
			return res
		}
	}
	t.Fatalf("no result of %s through %s in %+v", which, door, results)
	return bench.Result{}
}

// flawed is a bridge with faults that a benchmark must find.
type flawed struct {
	agentbridge.Bridge
	session func(agentbridge.Session) agentbridge.Session
	seat    func(agentbridge.SeatSession) agentbridge.SeatSession
}

func (f flawed) Open(ctx context.Context, p agentbridge.Principal) (agentbridge.Session, error) {
	s, err := f.Bridge.Open(ctx, p)
	if err == nil && f.session != nil {
		s = f.session(s)
	}
	return s, err
}

func (f flawed) Sit(ctx context.Context, p agentbridge.Principal, c agentbridge.SeatCredential) (agentbridge.SeatSession, error) {
	s, err := f.Bridge.Sit(ctx, p, c)
	if err == nil && f.seat != nil {
		s = f.seat(s)
	}
	return s, err
}

// throughEngine is a target whose only door is a bridge in this process.
func throughEngine(b agentbridge.Bridge) *bench.Target {
	return &bench.Target{Name: "flawed", Bridge: b}
}
