package httpapi_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/wire"
)

// events asks for the audit log and returns what it says, "id event" by "id
// event".
func (v visitor) events(params string) (ids []string, next int64) {
	v.t.Helper()
	status, body := v.request("/api/audit?"+params, "")
	var got wire.Audit
	answer{v.t, "GET /api/audit?" + params, status, nil, body}.into(&got)
	if !got.Enabled {
		v.t.Errorf("GET /api/audit?%s = %s, want it enabled", params, body)
	}
	for _, e := range got.Events {
		ids = append(ids, fmt.Sprintf("%d %s", e.ID, e.Event))
	}
	return ids, got.NextBefore
}

func TestAudit_filters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		h := &hall{t: t, bridge: b, server: httpapi.New(b.Relay, httpapi.Options{Audit: true, Logger: slog.New(slog.DiscardHandler)})}
		defer h.server.Close()
		alice, bob := b.Agent("alice"), b.Agent("bob")
		alice.MustSend("c", "one") // 1
		sent := bob.MustSend("d", "two")
		bob.MustAck("d", sent.ID) // 3
		time.Sleep(time.Hour)
		later := time.Now()
		bob.MustClear("c") // 4
		status, _ := h.as(agentOf("viewer")).request("/api/send", `{"channel":"c","content":"x"}`)
		if status != 403 { // 5
			t.Fatalf("POST /api/send as a viewer = %d", status)
		}
		time.Sleep(time.Hour)
		n, err := b.Session().CreateConversation(t.Context(), "developer", "reviewer") // 6
		if err != nil {
			t.Fatal(err)
		}
		rfc := func(at time.Time) string { return url.QueryEscape(at.Format(time.RFC3339Nano)) }
		all := []string{"6 create_conversation", "5 forbidden", "4 channel_clear", "3 ack", "2 send", "1 send"}
		auditor := h.as(agentOf("auditor"))
		for params, want := range map[string][]string{
			"":                        all,
			"channel=c":               {"5 forbidden", "4 channel_clear", "1 send"},
			"channel=" + string(n.ID): {"6 create_conversation"},
			"channel=nothing":         nil,
			"actor=bob":               {"3 ack", "2 send"},
			"actor=viewer-agent":      {"5 forbidden"},
			"actor=operator":          nil,
			"actor=system":            nil,
			"event=send":              {"2 send", "1 send"},
			"event=clear":             {"4 channel_clear"},
			"event=channel_clear":     {"4 channel_clear"},
			"event=auth_failure":      nil,
			"outcome=deny":            {"5 forbidden"},
			"outcome=alarm":           nil,
			"outcome=allow&channel=c": {"4 channel_clear", "1 send"},
			"since=" + rfc(later):     all[:3],
			"until=" + rfc(later):     all[3:],
			"since=" + later.In(time.FixedZone("", 7200)).Format(time.RFC3339):             all[:3], // its + is not escaped
			"since=2000-01-01T00:00:00Z":                                                   all,     // when the bubble's clock begins
			"until=9999-12-31T23:59:59Z":                                                   all,
			"since=0001-01-01T00:00:00Z":                                                   all,
			"since=&until=&channel=&actor=":                                                all,
			"before=5&event=send&actor=bob":                                                {"2 send"},
			"channel=d&actor=bob&event=send":                                               {"2 send"},
			"since=" + rfc(later) + "&until=" + rfc(later.Add(time.Minute)) + "&channel=c": {"5 forbidden", "4 channel_clear"},
		} {
			if got, next := auditor.events(params); !slices.Equal(got, want) || next != 0 {
				t.Errorf("?%s = %q and next %d, want %q", params, got, next, want)
			}
		}
		for params, field := range map[string]string{
			"since=yesterday": "since", "since=2026-01-01": "since", "until=1": "until", "until=2026-13-01T00:00:00Z": "until",
			"since=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z": "until",
			"outcome=denied": "outcome", "event=sent": "event", "event=SEND": "event", "actor=-x": "actor", "actor=a%00": "actor",
			"channel=%20": "channel", "channel=../..": "channel", "before=0": "before", "before=x": "before",
		} {
			status, body := auditor.request("/api/audit?"+params, "")
			if refusal := (answer{t, params, status, nil, body}).object(); status != 400 || refusal["field"] != field {
				t.Errorf("?%s = %d %s, want 400 for %s", params, status, body, field)
			}
		}
	})
}

// Page by page, whatever is asked for: everything once, and then an end.
func TestAudit_walks(t *testing.T) {
	h := newHall(t, httpapi.Options{Audit: true})
	for i := range 60 {
		h.MustSend(agentbridge.ChannelName("c"+fmt.Sprint(i%3)), "x")
	}
	auditor := h.as(agentOf("auditor"))
	for params, want := range map[string]int{"limit=7": 60, "limit=7&channel=c1": 20, "limit=60": 60, "limit=3&actor=nobody": 0} {
		total, next, pages := 0, int64(0), 0
		for more := true; more && pages < 100; pages++ {
			page := params
			if next > 0 {
				page += fmt.Sprintf("&before=%d", next)
			}
			var ids []string
			ids, next = auditor.events(page)
			total += len(ids)
			more = next > 0
		}
		if total != want || pages >= 100 {
			t.Errorf("?%s: %d entries in %d pages, want %d", params, total, pages, want)
		}
	}
}

// Without --audit-log the log is there for those who are known to audit, and
// says nothing to anybody else, as it always did.
func TestAudit_whoSees(t *testing.T) {
	for _, shown := range []bool{false, true} {
		h := newHall(t, httpapi.Options{Audit: shown})
		h.MustSend("c", "one")
		pair, err := h.bridge.Session().CreateConversation(t.Context(), "developer", "reviewer")
		if err != nil {
			t.Fatal(err)
		}
		both := []string{"2 create_conversation", "1 send"}
		for _, role := range []agentbridge.AccessRole{"auditor", "admin"} {
			if got, _ := h.as(agentOf(role)).events(""); !slices.Equal(got, both) {
				t.Errorf("shown %v: GET /api/audit as %s = %q, want %q", shown, role, got, both)
			}
		}
		for _, role := range []agentbridge.AccessRole{"viewer", "member", "operator", "approver"} {
			if status, body := h.as(agentOf(role)).request("/api/audit", ""); status != 403 {
				t.Errorf("shown %v: GET /api/audit as %s = %d %s", shown, role, status, body)
			}
		}
		want := `{"enabled":false,"events":[]}`
		a := h.get("/api/audit?channel=" + string(pair.ID))
		if shown {
			want = `{"enabled":true,"events":[]}`
		}
		a.want(200, want)
	}
}
