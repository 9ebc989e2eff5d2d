package httpapi_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/wire"

	"github.com/google/go-cmp/cmp"
)

// Row GET /api/state.
func TestState_empty(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	a := h.get("/api/state")
	body := a.wantKeys("service", "status", "version", "uptime_seconds", "uptime_human", "total_messages", "total_channels", "channels",
		"sse_subscribers", "sse_dropped_events", "retention_days", "audit_enabled", "audit_checkpoint", "server_time")
	if list, ok := body["channels"].([]any); !ok || len(list) != 0 || body["service"] != "agentbridge" || body["status"] != "online" || body["audit_enabled"] != false {
		t.Errorf("%s = %s", a.call, a.body)
	}
	wantTime(t, "server_time", body["server_time"])
}

func TestState_channels(t *testing.T) {
	h := newHall(t, httpapi.Options{RetentionDays: 7, Audit: true})
	bob := h.bridge.Agent("bob")
	var last agentbridge.Sent
	for _, name := range []agentbridge.ChannelName{"b", "demo:worker", "a:b:c", "trailing:", ":leading"} {
		h.MustSend(name, "one")
		last = bob.MustSend(name, "two")
	}
	h.bridge.Pair("developer", "reviewer")
	var got wire.State
	h.get("/api/state").into(&got)
	var names []string
	for _, c := range got.Channels {
		names = append(names, fmt.Sprintf("%s=%s/%s", c.ID, c.Group, c.Name))
		if diff := cmp.Diff([]agentbridge.AgentName{"alice", "bob"}, c.Senders); diff != "" || c.Count != 2 {
			t.Errorf("%s: %d messages, senders -want +got\n%s", c.ID, c.Count, diff)
		}
	}
	want := []string{":leading=/leading", "a:b:c=a/b:c", "b=/b", "demo:worker=demo/worker", "trailing:=/trailing:"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("channels, by id: -want +got\n%s", diff)
	}
	if got.TotalMessages != 10 || got.TotalChannels != 5 || got.RetentionDays != 7 || !got.AuditEnabled {
		t.Errorf("GET /api/state = %+v", got)
	}
	if c := got.Channels[0]; c.LastTSFull != agentbridge.FormatTime(last.At) || c.LastTS != last.At.UTC().Format("15:04:05") {
		t.Errorf("last_ts %s, last_ts_full %s, want %s", c.LastTS, c.LastTSFull, last.At)
	}
}

func TestState_uptime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := httpapi.New(bridgetest.New(t).Relay, httpapi.Options{})
		defer s.Close()
		time.Sleep(100*time.Hour + 2*time.Minute + 3*time.Second)
		w := httptest.NewRecorder()
		asLocal(s.Handler()).ServeHTTP(w, httptest.NewRequest("GET", "/api/state", nil))
		if body := w.Body.String(); !strings.Contains(body, `"uptime_seconds":360123,"uptime_human":"100:02:03"`) {
			t.Errorf("GET /api/state = %s", body)
		}
	})
}

// opener is a bridge that has one session.
type opener struct {
	agentbridge.Bridge
	session agentbridge.Session
}

func (o opener) Open(context.Context, agentbridge.Principal) (agentbridge.Session, error) {
	return o.session, nil
}

// listing is a session that has one listing and a checkpoint to show, and notes
// what it was asked.
type listing struct {
	agentbridge.Session
	list  agentbridge.ChannelList
	asked []agentbridge.ChannelQuery
}

func (l *listing) Channels(_ context.Context, q agentbridge.ChannelQuery) (agentbridge.ChannelList, error) {
	l.asked = append(l.asked, q)
	return l.list, nil
}

func (l *listing) Ping(context.Context) (agentbridge.Health, error) {
	return agentbridge.Health{Checkpoint: agentbridge.Checkpoint{Size: 3, Note: "three entries"}}, nil
}

// However many channels there are, one look shows as many as fit and where to
// read on.
func TestState_isOneLook(t *testing.T) {
	l := &listing{list: agentbridge.ChannelList{Channels: make([]agentbridge.ChannelInfo, 500), Next: "c"}}
	h := serve(t, opener{session: l}, httpapi.Options{})
	body := h.get("/api/state?after_channel=b").object()
	if body["next_channel"] != "c" || len(body["channels"].([]any)) != 500 || body["audit_checkpoint"] != "three entries" {
		t.Errorf("GET /api/state: next_channel %v, audit_checkpoint %v; want c and the note", body["next_channel"], body["audit_checkpoint"])
	}
	if diff := cmp.Diff([]agentbridge.ChannelQuery{{After: "b", Senders: true, MaxBytes: 4 << 20}}, l.asked); diff != "" {
		t.Errorf("asked for: -want +got\n%s", diff)
	}
	h.get("/api/state?after_channel=%20").wantRefused(400, "must not start or end with whitespace", "after_channel", "surrounding_whitespace")
}

func TestChannels_pages(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	const channels = 10
	for i := range channels {
		h.MustSend(agentbridge.ChannelName(fmt.Sprintf("c%02d", i)), "x")
	}
	seen, pages := 0, 0
	for after, more := "", true; more && pages <= channels; pages++ {
		body := h.get("/api/channels?senders=1&max_bytes=700&after_channel=" + after).object()
		seen += len(body["channels"].([]any))
		after, more = body["next_channel"].(string)
	}
	if seen != channels || pages < 2 {
		t.Errorf("%d channels in %d pages, want %d in several", seen, pages, channels)
	}
}

func TestPing(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.MustSend("c", "one")
	body := h.get("/api/ping").wantKeys("service", "version", "channels", "messages", "server_time", "audit_checkpoint")
	if fmt.Sprint(body["channels"], " ", body["messages"]) != "1 1" {
		t.Errorf("GET /api/ping = %v", body)
	}
}

func TestChannels(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	a, b := h.MustSend("a", "1"), h.MustSend("b", "2")
	line := func(name string, at time.Time, more string) string {
		return fmt.Sprintf(`{"channel":%q,"count":1,"last_timestamp":%q%s}`, name, agentbridge.FormatTime(at), more)
	}
	const totals = `"total_channels":2,"total_messages":2`
	h.get("/api/channels").want(200, fmt.Sprintf(`{"channels":[%s,%s],%s,"next_channel":null}`, line("a", a.At, ""), line("b", b.At, ""), totals))
	h.get("/api/channels?senders=1&after_channel=a").want(200, fmt.Sprintf(`{"channels":[%s],%s,"next_channel":null}`, line("b", b.At, `,"senders":["alice"]`), totals))
	h.get("/api/channels?max_bytes=1").want(200, fmt.Sprintf(`{"channels":[%s],%s,"next_channel":"a"}`, line("a", a.At, ""), totals))
	h.get("/api/channels?max_bytes=x").wantRefused(400, "must be a whole number of bytes from 1 to 1048576", "max_bytes", "invalid_type")
}

func TestOverview(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for i := range 60 {
		h.MustSend("a", fmt.Sprint(i))
	}
	h.MustSend("b", "x")
	for params, want := range map[string]int{"": 5, "?per_channel=2": 2, "?per_channel=0": 1, "?per_channel=x": 5, "?per_channel=1000": 50} {
		var got wire.Overview
		h.get("/api/overview" + params).into(&got)
		if len(got.Channels) != 2 || got.NextChannel != nil || got.Channels[0].Total != 60 || len(got.Channels[0].Messages) != want || got.Channels[0].Messages[want-1].Content != "59" {
			t.Errorf("%s = %+v, want a with its newest %d, and b", params, got, want)
		}
	}
	var first wire.Overview
	h.get("/api/overview?max_bytes=1").into(&first)
	if len(first.Channels) != 1 || first.NextChannel == nil || *first.NextChannel != "a" {
		t.Errorf("GET /api/overview?max_bytes=1 = %+v, want a and that more follows", first)
	}
}
