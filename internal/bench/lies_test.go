package bench_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

// deafFeed ends at once, as a stream does whose server hangs up.
type deafFeed struct{ agentbridge.Feed }

func (deafFeed) Next(context.Context) (agentbridge.Batch, error) {
	return agentbridge.Batch{}, agentbridge.Refuse(agentbridge.Closed, "", "good bye")
}

// Streams that end at once deliver nothing; that everything can be read
// afterwards makes no measurement of it.
func TestFanout_hangsUp(t *testing.T) {
	f := fault{feed: func(feed agentbridge.Feed) agentbridge.Feed { return deafFeed{feed} }}
	bridge := flawed{Bridge: bridgetest.Unlimited(t), session: func(s agentbridge.Session) agentbridge.Session {
		f.Session = s
		return f
	}}
	_, err := measure(t, "fanout", throughEngine(bridge), bench.Settings{Agents: []int{2}, Duration: brief})
	if err == nil || !strings.Contains(err.Error(), "nothing was delivered as it happened: good bye") {
		t.Errorf("streams that end at once: %v; want an error that says so", err)
	}
}

// A text that is stored in part was not stored.
func TestSend_altered(t *testing.T) {
	f := fault{sends: &atomic.Int64{}, send: func(ctx context.Context, s agentbridge.Session, d agentbridge.Draft) (agentbridge.Sent, error) {
		d.Body, _ = agentbridge.Text(d.Body.Content()[:100])
		return s.Send(ctx, d)
	}}
	bridge := flawed{Bridge: bridgetest.Unlimited(t), session: func(s agentbridge.Session) agentbridge.Session {
		f.Session = s
		return f
	}}
	results, err := measure(t, "send", throughEngine(bridge), bench.Settings{Agents: []int{1}, Duration: 2 * brief})
	if err != nil {
		t.Fatal(err)
	}
	if res := results[0]; res.Lost != 1 || res.Figures["with another text"] != 1 {
		t.Errorf("a text that was cut off: %d lost, figures %v; want it lost", res.Lost, res.Figures)
	}
}

// Sessions that the server ends take no memory: how many there are must not be
// taken from how many were opened.
func TestIdle_ended(t *testing.T) {
	for name, test := range map[string]struct {
		lie  func(w http.ResponseWriter, r *http.Request) bool
		want string
	}{
		"streams": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/mcp" || r.Method != http.MethodGet {
				return false
			}
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, ": hello\n\n")
			return true
		}, "ended the stream while nobody looked"},
		"sessions": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/mcp" || r.Method != http.MethodPost || r.Header.Get("Mcp-Session-Id") == "" {
				return false
			}
			raw, _ := io.ReadAll(r.Body)
			if r.Body = io.NopCloser(strings.NewReader(string(raw))); !strings.Contains(string(raw), "tools/call") {
				return false
			}
			w.WriteHeader(http.StatusNotFound)
			return true
		}, "ended the session while nobody looked"},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func() http.Handler {
				own := faces(t, bridgetest.Unlimited(t), "")
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !test.lie(w, r) {
						own.ServeHTTP(w, r)
					}
				})
			})
			_, err := measure(t, "idle", &bench.Target{Name: "own", URL: url}, bench.Settings{Sessions: 5, Duration: 20 * time.Millisecond})
			if err == nil || !strings.Contains(err.Error(), "5 of 5 idle sessions did not last") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s that end: %v; want an error that says so", name, err)
			}
		})
	}
}

// gone answers so many checks, and is not there any more then.
type gone struct {
	agentbridge.SeatSession
	left *atomic.Int64
}

func (g gone) Check(ctx context.Context, most int) (agentbridge.Delivery, error) {
	if g.left.Add(-1) < 0 {
		return agentbridge.Delivery{}, agentbridge.Refuse(agentbridge.Unreachable, "", "nobody answers")
	}
	return g.SeatSession.Check(ctx, most)
}

// Of a bridge that is gone at the end nobody knows what it would have delivered.
func TestConversations_gone(t *testing.T) {
	var left atomic.Int64
	left.Store(5)
	bridge := flawed{Bridge: bridgetest.Unlimited(t), seat: func(s agentbridge.SeatSession) agentbridge.SeatSession { return gone{s, &left} }}
	_, err := measure(t, "conversations", throughEngine(bridge), bench.Settings{Agents: []int{3}, Duration: brief})
	if err == nil || !strings.Contains(err.Error(), "nobody answers") {
		t.Errorf("a bridge that is gone at the end: %v; want an error that says so", err)
	}
}
