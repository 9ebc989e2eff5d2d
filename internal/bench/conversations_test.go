package bench_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

func TestConversations(t *testing.T) {
	results := mustMeasure(t, "conversations", target(t, ""), bench.Settings{Agents: []int{4}, Duration: 50 * time.Millisecond})
	for _, door := range []bench.Door{bench.Engine, bench.MCP, bench.Stdio} {
		tasks := resultOf(t, results, door, "task until checked")
		calls := resultOf(t, results, door, "each call")
		if tasks.Count == 0 || tasks.P50 <= 0 || tasks.Agents != 4 {
			t.Errorf("through %s: %d tasks of %d agents, p50 %v ms; want some of 4", door, tasks.Count, tasks.Agents, tasks.P50)
		}
		// Each message is told by one call and taken by another, and nobody asks in
		// vain; at the end three tasks may be on their way.
		messages := int64(tasks.Figures["messages"])
		if messages < 2*tasks.Count-6 || calls.Count < 2*messages || calls.Count > 2*messages+6 {
			t.Errorf("through %s: %d tasks, %d messages, %d calls; want two messages a task and two calls a message", door, tasks.Count, messages, calls.Count)
		}
	}
}

func TestConversations_ofAStranger(t *testing.T) {
	results := mustMeasure(t, "conversations", likeB(t), bench.Settings{})
	if len(results) != 1 || !strings.Contains(results[0].Note, "no conversations") {
		t.Errorf("a server without conversations: %+v; want one note", results)
	}
}

// slip is a seat whose check goes wrong.
type slip struct {
	agentbridge.SeatSession
	wrong func(agentbridge.Delivery) agentbridge.Delivery
}

func (s slip) Check(ctx context.Context, maxBytes int) (agentbridge.Delivery, error) {
	time.Sleep(time.Millisecond) // the bubble's clock stands still while anybody works
	d, err := s.SeatSession.Check(ctx, maxBytes)
	if err != nil || len(d.Messages) == 0 {
		return d, err
	}
	return s.wrong(d), nil
}

// slow is a seat whose check takes a moment, for tests in a bubble.
func slow(s agentbridge.SeatSession) agentbridge.SeatSession {
	return slip{s, func(d agentbridge.Delivery) agentbridge.Delivery { return d }}
}

func TestConversations_brokenPromises(t *testing.T) {
	for _, test := range []struct {
		name  string
		wrong func(agentbridge.Delivery) agentbridge.Delivery
		found func(bench.Result) bool
	}{
		{"loses", func(d agentbridge.Delivery) agentbridge.Delivery {
			_ = d.Settle(true)
			return agentbridge.Delivery{Settle: func(bool) error { return nil }}
		}, func(r bench.Result) bool { return r.Lost == 1 }},
		{"repeats", func(d agentbridge.Delivery) agentbridge.Delivery {
			d.Messages = append(d.Messages, d.Messages[0])
			return d
		}, func(r bench.Result) bool { return r.Duplicated == 1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var nth atomic.Int64
				bridge := flawed{Bridge: bridgetest.Unlimited(t), seat: func(s agentbridge.SeatSession) agentbridge.SeatSession {
					return slip{s, func(d agentbridge.Delivery) agentbridge.Delivery {
						if nth.Add(1) == 12 {
							return test.wrong(d)
						}
						return d
					}}
				}}
				results, err := measure(t, "conversations", throughEngine(bridge), bench.Settings{Agents: []int{3}, Duration: 40 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				if res := resultOf(t, results, bench.Engine, "task until checked"); !test.found(res) || !res.Failed() {
					t.Errorf("a bridge that %s: %d lost, %d duplicated; want that found", test.name, res.Lost, res.Duplicated)
				}
			})
		})
	}
}

// TestConversations_limits: a refusal is no message and no loss, and the
// benchmark ends although nobody may say anything for a minute.
func TestConversations_limits(t *testing.T) {
	for _, test := range []struct {
		name         string
		agents, left int
		duration     time.Duration
		refused      bool
	}{
		{"on messages", 3, 3, 2 * time.Second, true},
		{"on new conversations", 33, 31, 10 * time.Millisecond, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bridge := flawed{Bridge: bridgetest.New(t), seat: slow}
				results, err := measure(t, "conversations", throughEngine(bridge), bench.Settings{Agents: []int{test.agents}, Duration: test.duration})
				if err != nil {
					t.Fatal(err)
				}
				tasks, calls := resultOf(t, results, bench.Engine, "task until checked"), resultOf(t, results, bench.Engine, "each call")
				if tasks.Failed() || calls.Errors > 0 != test.refused {
					t.Errorf("%d lost, %d refused; want no loss, and refusals: %v", tasks.Lost, calls.Errors, test.refused)
				}
				if tasks.Agents != test.left || strings.Contains(tasks.Note, "limits") != (test.left < test.agents) {
					t.Errorf("%d agents, note %q; want %d, and a word if some are missing", tasks.Agents, tasks.Note, test.left)
				}
			})
		})
	}
}
