package bench_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

func TestJoin(t *testing.T) {
	results := mustMeasure(t, "join", target(t, ""), bench.Settings{Duration: 50 * time.Millisecond})
	for _, door := range []bench.Door{bench.Engine, bench.MCP} {
		res := resultOf(t, results, door, "created to first word")
		if res.Count == 0 || res.Agents != 2 || res.Figures["used codes refused"] < float64(res.Count) || res.Figures["join p50 ms"] <= 0 {
			t.Errorf("through %s: %+v; want meetings, and each used code refused", door, res)
		}
	}
}

// forgetful admits with a used code.
type forgetful struct {
	agentbridge.Session
	last *agentbridge.Joined
}

func (f forgetful) JoinConversation(ctx context.Context, code agentbridge.Invite) (agentbridge.Joined, error) {
	j, err := f.Session.JoinConversation(ctx, code)
	if err != nil {
		return *f.last, nil
	}
	*f.last = j
	return j, nil
}

func TestJoin_usedCodeAdmits(t *testing.T) {
	var last agentbridge.Joined
	bridge := flawed{Bridge: bridgetest.Unlimited(t), session: func(s agentbridge.Session) agentbridge.Session { return forgetful{s, &last} }}
	_, err := measure(t, "join", throughEngine(bridge), bench.Settings{Duration: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "had been used admitted once more") {
		t.Errorf("a used code that admits: %v; want an error that says so", err)
	}
}

// TestJoin_limits: a limit on new conversations ends the measurement, and is no
// fault.
func TestJoin_limits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bridge := flawed{Bridge: bridgetest.New(t), seat: slow}
		results, err := measure(t, "join", throughEngine(bridge), bench.Settings{Duration: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		res := resultOf(t, results, bench.Engine, "created to first word")
		if res.Failed() || res.Count != 27 || res.Figures["used codes refused"] != 27 || !strings.Contains(res.Note, "limits") {
			t.Errorf("a bridge that admits 30 conversations a minute: %+v; want those but three to warm up with, and a word about it", res)
		}
	})
}
