package httpapi_test

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/wire"

	"github.com/google/go-cmp/cmp"
)

// Row GET /api/audit.
func TestAudit_off(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.MustSend("c", "one")
	h.get("/api/audit").want(200, `{"enabled":false,"events":[]}`)
}

func TestAudit_events(t *testing.T) {
	h := newHall(t, httpapi.Options{Audit: true})
	sent := h.MustSend("c", "one")
	h.MustSend("c", "two")
	h.MustClear("c")
	seat, _ := h.bridge.Pair("developer", "reviewer")
	seat.MustSend("secret")

	a := h.get("/api/audit")
	var got wire.Audit
	a.into(&got)
	for _, e := range a.object()["events"].([]any) {
		wantKeys(t, a.call, e.(map[string]any), "id", "timestamp", "event", "channel", "detail", "ip", "actor")
		wantTime(t, "timestamp", e.(map[string]any)["timestamp"])
	}
	var lines []string
	for _, e := range got.Events {
		lines = append(lines, fmt.Sprintf("%d %s %s %s %s %s", e.ID, e.Event, null(e.Channel), null(e.Detail), null(e.IP), e.Actor))
	}
	want := []string{
		"3 channel_clear c 2 message(s) null local",
		lines[1], // its detail holds an id
		fmt.Sprintf(`1 send c {"id":"%s","seq":%d,"bytes":3,"hash":"…"} null alice`, sent.ID, sent.Seq),
	}
	lines[2] = regexp.MustCompile(`"hash":"[0-9a-f]{32}"`).ReplaceAllString(lines[2], `"hash":"…"`)
	if diff := cmp.Diff(want, lines); diff != "" || !got.Enabled {
		t.Errorf("%s: -want +got\n%s", a.call, diff)
	}
}

func null(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func TestAudit_pages(t *testing.T) {
	h := newHall(t, httpapi.Options{Audit: true})
	for i := range 130 {
		h.MustSend("c", fmt.Sprint(i))
	}
	for params, want := range map[string][2]int64{ // how many, and the first of them
		"":                            {100, 130},
		"?limit=3":                    {3, 130},
		"?limit=0":                    {1, 130},
		"?limit=-1":                   {1, 130},
		"?limit=x":                    {100, 130},
		"?limit=99999999999999999999": {130, 130},
		"?before=5":                   {4, 4},
		"?before=5&limit=2":           {2, 4},
	} {
		var got wire.Audit
		h.get("/api/audit" + params).into(&got)
		if int64(len(got.Events)) != want[0] || got.Events[0].ID != want[1] {
			t.Errorf("%s: %d events from %d, want %d from %d", params, len(got.Events), got.Events[0].ID, want[0], want[1])
		}
	}
	h.get("/api/audit?before=x").wantRefused(400, "must be a positive whole number", "before", "out_of_range")
}

// What the boundary turned away is told with the address, in a key of its own
// and in the detail.
func TestAudit_address(t *testing.T) {
	h := newHall(t, httpapi.Options{Audit: true})
	h.bridge.NoteRefusal(agentbridge.Refusal{Action: agentbridge.ActionAuthFailure, Address: "192.0.2.7", Path: "/api/state"})
	var got wire.Audit
	for len(got.Events) == 0 { // it is written in the background
		h.get("/api/audit").into(&got)
	}
	if e := got.Events[0]; e.Event != "auth_failure" || e.Channel != nil || null(e.IP) != "192.0.2.7" {
		t.Errorf("GET /api/audit = %+v", e)
	}
}

func TestAudit_age(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		s := httpapi.New(b.Relay, httpapi.Options{Audit: true})
		defer s.Close()
		ask := func() int {
			w := httptest.NewRecorder()
			asLocal(s.Handler()).ServeHTTP(w, httptest.NewRequest("GET", "/api/audit", nil))
			return len(decode(t, w.Body.String()).(map[string]any)["events"].([]any))
		}
		alice := b.Agent("alice")
		alice.MustSend("c", "old")
		time.Sleep(89 * 24 * time.Hour)
		alice.MustSend("c", "new")
		if n := ask(); n != 2 {
			t.Errorf("after 89 days: %d events, want 2", n)
		}
		time.Sleep(2 * 24 * time.Hour)
		if n := ask(); n != 1 {
			t.Errorf("after 91 days: %d events, want 1", n)
		}
	})
}
