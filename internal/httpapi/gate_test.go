package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/httpapi"
)

// Whoever may not read is told nothing else: a channel whose places were all
// taken gave 503, and by that told that it is there.
func TestStream_rightsBeforeCaps(t *testing.T) {
	h := newHall(t, httpapi.Options{MaxStreams: 2, MaxPerChannel: 1})
	h.streamOf("secret", "")
	who := agentOf("member")
	who.Scopes = []agentbridge.Scope{{Verb: agentbridge.VerbRead, Pattern: "mine:*"}}
	paths := []string{"/events/channel/secret", "/events/channel/nothing-here", "/api/events?channel=secret", "/api/events?channel=nothing-here"}
	refused := func(when string) {
		t.Helper()
		for i, path := range paths {
			status, body := h.as(who).request(path, "")
			_, want := h.as(who).request(paths[i|1], "")
			if status != http.StatusForbidden || body != want {
				t.Errorf("%s: GET %s = %d %s, want 403 %s", when, path, status, body, want)
			}
		}
	}
	refused("with the channel's places taken")
	h.streamOf("other", "")
	refused("with all places taken")
	if status, body := h.as(who).request("/events/channel/mine:x", ""); status != 503 || !strings.Contains(body, "server subscriber cap reached") {
		t.Errorf("where it may read = %d %s, want 503", status, body)
	}
}

// An agent that opens streams in a loop uses up its share, and nobody else's.
func TestStream_shareOfOneAgent(t *testing.T) {
	h := newHall(t, httpapi.Options{MaxStreams: 8, MaxPerChannel: 8})
	mal, bob := agentOf("viewer"), agentOf("member")
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.server.Handler().ServeHTTP(w, r.WithContext(agentbridge.WithPrincipal(r.Context(), mal)))
	}))
	t.Cleanup(func() { h.server.Close(); front.Close() })
	for _, path := range []string{"/api/events", "/events/channel/c"} {
		resp, err := front.Client().Get(front.URL + path)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("GET %s: %v, %v", path, resp, err)
		}
		t.Cleanup(func() { resp.Body.Close() })
	}
	for _, path := range []string{"/api/events", "/events/channel/d"} {
		if status, body := h.as(mal).request(path, ""); status != 503 || !strings.Contains(body, "your share of 2 open streams") {
			t.Errorf("GET %s with the share used up = %d %s", path, status, body)
		}
		if status, body := h.as(bob).request(path, ""); status != 200 {
			t.Errorf("GET %s of another agent = %d %s", path, status, body)
		}
	}
	h.wantSubscribers(2)
}

// With few places the share is one, and a stream that ends gives it back.
func TestStream_shareIsAtLeastOne(t *testing.T) {
	h := newHall(t, httpapi.Options{MaxStreams: 1})
	for range 3 {
		if status, body := h.as(agentOf("viewer")).request("/api/events", ""); status != 200 {
			t.Errorf("GET /api/events = %d %s", status, body)
		}
	}
}
