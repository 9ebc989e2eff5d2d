package bench_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"

	"github.com/google/go-cmp/cmp"
)

// brief is enough to see that everything arrives.
const brief = 20 * time.Millisecond

// lines are the door, case and number of agents of each result.
func lines(results []bench.Result) []string {
	var all []string
	for _, r := range results {
		all = append(all, fmt.Sprintf("%s, %s, %d", r.Door, r.Case, r.Agents))
	}
	return all
}

func TestLoad(t *testing.T) {
	for name, test := range map[string]struct {
		agents []int
		want   []string
	}{
		"send": {[]int{1, 12}, []string{
			"engine, send, 1", "engine, send, 12", "http, send, 1", "http, send, 12", "mcp, send, 1", "mcp, send, 12", "stdio, send, 1",
		}},
		"latency": {[]int{1}, []string{
			"engine, read, nothing new, 1", "engine, send, 1", "engine, send to a blocked wait, 2", "engine, send to a stream, 2",
			"http, read, nothing new, 1", "http, send, 1", "http, send to a blocked wait, 2", "http, send to a stream, 2",
			"mcp, read, nothing new, 1", "mcp, send, 1", "mcp, send to a blocked wait, 2",
			"stdio, read, nothing new, 1", "stdio, send, 1", "stdio, send to a blocked wait, 2",
		}},
		"fanout": {[]int{1, 12}, []string{
			"engine, to streams, 1", "engine, to streams, 12", "http, to streams, 1", "http, to streams, 12",
			"mcp, to blocked waits, 1", "mcp, to blocked waits, 12",
		}},
		"mixed": {nil, []string{"engine, everything at once, 20", "http, everything at once, 20", "mcp, everything at once, 20"}},
	} {
		t.Run(name, func(t *testing.T) {
			results := mustMeasure(t, name, target(t, ""), bench.Settings{Agents: test.agents, Duration: brief})
			if diff := cmp.Diff(test.want, lines(results)); diff != "" {
				t.Errorf("results of %s: -want +got\n%s", name, diff)
			}
			for _, res := range results {
				if res.Count == 0 || res.Max <= 0 || res.P50 > res.P99 || res.ClientCPU == nil {
					t.Errorf("%s through %s measured nothing: %+v", res.Case, res.Door, res)
				}
			}
		})
	}
}

// reference B has no conversations and no stdio; what it has is measured.
func TestLoad_foreign(t *testing.T) {
	results := mustMeasure(t, "mixed", likeB(t), bench.Settings{Duration: brief})
	if diff := cmp.Diff([]string{"http, everything at once, 20", "mcp, everything at once, 20"}, lines(results)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, res := range results {
		if res.Figures["tells"] > 0 || res.Figures["sends"] == 0 {
			t.Errorf("through %s: %v; want sends and no conversations", res.Door, res.Figures)
		}
	}
}

// A measurement that can't be made is an error and a line, and the next one is
// made all the same.
func TestLoad_refused(t *testing.T) {
	bridge := flawed{Bridge: bridgetest.Unlimited(t), session: func(s agentbridge.Session) agentbridge.Session { return mute{s} }}
	for _, name := range []string{"send", "latency", "fanout", "mixed"} {
		results, err := measure(t, name, throughEngine(bridge), bench.Settings{Agents: []int{1, 2}, Duration: brief})
		if err == nil || !strings.Contains(err.Error(), "not today") {
			t.Errorf("%s on a bridge that stores nothing: %v; want its refusal", name, err)
		}
		if len(results) == 0 {
			t.Errorf("%s on a bridge that stores nothing left no line", name)
		}
		for _, res := range results {
			if res.Failed() || !strings.Contains(res.Note, "not today") {
				t.Errorf("%s: %+v; want a note and no promise broken", name, res)
			}
		}
	}
}

// mute stores nothing and says so.
type mute struct{ agentbridge.Session }

func (mute) Send(context.Context, agentbridge.Draft) (agentbridge.Sent, error) {
	return agentbridge.Sent{}, agentbridge.Refuse(agentbridge.Busy, "", "not today")
}

func TestFanout_admittedFewer(t *testing.T) {
	results := mustMeasure(t, "fanout", target(t, ""), bench.Settings{Agents: []int{30}, Doors: []bench.Door{bench.HTTP}, Duration: brief})
	if len(results) != 1 || results[0].Agents != 25 || !strings.Contains(results[0].Note, "30 were wanted, and 25 admitted") {
		t.Errorf("30 streams where a channel may have 25: %+v; want a measurement of 25 and a word about it", results)
	}
}

func TestLoad_interrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), brief)
	defer cancel()
	own := target(t, "")
	own.Restart = func(context.Context) error { return nil }
	for _, sc := range bench.Scenarios() {
		if !strings.Contains("send latency fanout mixed soak", sc.Name) {
			continue
		}
		r := &bench.Run{Scenario: sc.Name, Target: own, Settings: bench.Settings{Dir: t.TempDir(), Duration: time.Hour}.WithDefaults(), ID: "0123abcd",
			Progress: t.Logf, Disk: func() bench.Disk { return bench.Disk{} }}
		if err := sc.Run(ctx, r); err == nil {
			t.Errorf("%s went on after its context had ended", sc.Name)
		}
	}
}

// fault does something wrong at the second message.
type fault struct {
	agentbridge.Session
	sends *atomic.Int64
	send  func(ctx context.Context, s agentbridge.Session, d agentbridge.Draft) (agentbridge.Sent, error)
	read  func(agentbridge.Page) agentbridge.Page
	feed  func(agentbridge.Feed) agentbridge.Feed
}

func (f fault) Send(ctx context.Context, d agentbridge.Draft) (agentbridge.Sent, error) {
	if f.send != nil && strings.Contains(d.Body.Content(), "/1 ") && f.sends.Add(1) == 1 {
		return f.send(ctx, f.Session, d)
	}
	return f.Session.Send(ctx, d)
}

func (f fault) Read(ctx context.Context, r agentbridge.ReadRequest) (agentbridge.Page, error) {
	p, err := f.Session.Read(ctx, r)
	if f.read != nil && err == nil && len(p.Messages) > 3 {
		p = f.read(p)
	}
	return p, err
}

func (f fault) Follow(ctx context.Context, c agentbridge.ChannelName, after agentbridge.Position) (agentbridge.Feed, error) {
	feed, err := f.Session.Follow(ctx, c, after)
	if err == nil && f.feed != nil {
		feed = f.feed(feed)
	}
	return feed, err
}

func TestSend_findsFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault fault
		found func(bench.Result) int64
	}{
		"lost": {fault{send: func(ctx context.Context, s agentbridge.Session, d agentbridge.Draft) (agentbridge.Sent, error) {
			return agentbridge.Sent{ID: "1"}, nil
		}}, func(r bench.Result) int64 { return r.Lost }},
		"stored twice": {fault{send: func(ctx context.Context, s agentbridge.Session, d agentbridge.Draft) (agentbridge.Sent, error) {
			if sent, err := s.Send(ctx, d); err != nil {
				return sent, err
			}
			return s.Send(ctx, d)
		}}, func(r bench.Result) int64 { return r.Duplicated }},
		"later before earlier": {fault{read: func(p agentbridge.Page) agentbridge.Page {
			p.Messages[0], p.Messages[1] = p.Messages[1], p.Messages[0]
			return p
		}}, func(r bench.Result) int64 { return r.Disordered }},
	} {
		t.Run(name, func(t *testing.T) {
			test.fault.sends = &atomic.Int64{}
			bridge := flawed{Bridge: bridgetest.Unlimited(t), session: func(s agentbridge.Session) agentbridge.Session {
				test.fault.Session = s
				return test.fault
			}}
			results, err := measure(t, "send", throughEngine(bridge), bench.Settings{Agents: []int{1}, Duration: 2 * brief})
			if err != nil {
				t.Fatal(err)
			}
			res := resultOf(t, results, bench.Engine, "send")
			if test.found(res) == 0 || !res.Failed() {
				t.Errorf("%d lost, %d duplicated, %d disordered; want one of the three", res.Lost, res.Duplicated, res.Disordered)
			}
		})
	}
}

// wrongFeed leaves out a message, or shows it twice.
type wrongFeed struct {
	agentbridge.Feed
	times int
}

func (f wrongFeed) Next(ctx context.Context) (agentbridge.Batch, error) {
	b, err := f.Feed.Next(ctx)
	var events []agentbridge.Event
	for _, e := range b.Events {
		n := 1
		if e.Kind == agentbridge.EventMessage && strings.Contains(e.Message.Content, "/1 ") {
			n = f.times
		}
		for range n {
			events = append(events, e)
		}
	}
	b.Events = events
	return b, err
}

func TestFanout_findsFaults(t *testing.T) {
	for times, found := range map[int]func(bench.Result) int64{
		0: func(r bench.Result) int64 { return r.Lost },
		2: func(r bench.Result) int64 { return r.Duplicated },
	} {
		f := fault{feed: func(feed agentbridge.Feed) agentbridge.Feed { return wrongFeed{feed, times} }}
		bridge := flawed{Bridge: bridgetest.Unlimited(t), session: func(s agentbridge.Session) agentbridge.Session {
			f.Session = s
			return f
		}}
		for _, name := range []string{"fanout", "mixed"} {
			results, err := measure(t, name, throughEngine(bridge), bench.Settings{Agents: []int{3}, Duration: 2 * brief})
			if err != nil {
				t.Fatal(err)
			}
			if res := results[0]; found(res) == 0 || !res.Failed() {
				t.Errorf("%s where a stream shows a message %d times: %d lost, %d duplicated", name, times, res.Lost, res.Duplicated)
			}
		}
	}
}
