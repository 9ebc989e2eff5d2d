package client_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
	"agentbridge/internal/httpapi"
)

// A bridge stores a message and dies before it can say so. The client asks
// again; the message is there once.
func TestSend_answerLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		key   string
		again bool // the caller's own key tells of the first try, the client's does not
	}{{"own key", "", false}, {"given key", "k1", true}} {
		t.Run(c.name, func(t *testing.T) {
			b := bridgetest.New(t)
			api := httpapi.New(b.Relay, httpapi.Options{})
			t.Cleanup(api.Close)
			var lost atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/api/send" && lost.Add(1) <= 2 {
					asLocal(api.Handler()).ServeHTTP(httptest.NewRecorder(), r)
					panic(http.ErrAbortHandler)
				}
				asLocal(api.Handler()).ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			alice := bridgetest.NewAgent(t, dial(t, client.Options{URL: server.URL}), "alice")
			d := alice.Draft("#build", "one")
			d.Key = c.key
			sent := alice.MustSendDraft(d)
			if sent.Deduplicated != c.again {
				t.Errorf("Send() = %+v, want deduplicated %v", sent, c.again)
			}
			alice.WantRead("#build", "one")
			if n := lost.Load(); n != 3 {
				t.Errorf("sent %d times, want 3", n)
			}
			if c.key != "" {
				return
			}
			if twice := alice.MustSend("#build", "one"); twice.ID == sent.ID || twice.Deduplicated { // two calls are two messages
				t.Errorf("Send() of the same again = %+v", twice)
			}
		})
	}
}

// What is tried again when nobody answers or the bridge is busy, and how often.
func TestRetries(t *testing.T) {
	var mu sync.Mutex
	for name, h := range map[string]http.HandlerFunc{
		"cut":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"busy": answer(503, header("Content-Type", "application/json", "Retry-After", "2"), `{"error":"busy","code":"busy","message":"busy"}`),
	} {
		asked := map[string]int{}
		counted := func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked[r.URL.Path]++
			mu.Unlock()
			h(w, r)
		}
		inBubble(t, counted, client.Options{}, func(t *testing.T, c *client.Client) {
			start := time.Now()
			_, err := c.Ping(t.Context())
			if took := time.Since(start); name == "busy" && (took != 2*time.Second || agentbridge.CodeOf(err) != agentbridge.Busy) {
				t.Errorf("Ping() of a busy bridge took %v: %v; want one pause as long as it said", took, err)
			}
			for call, err := range everyCall(t, c) {
				if err == nil {
					t.Errorf("%s, %s = nil", call, name)
				}
			}
		})
		for path, want := range map[string]int{"/api/send": 4, "/api/ack": 4, "/api/clear": 1, "/api/conversations": 1, "/api/conversations/join": 1, "/api/wait": 1, "/api/messages": 2, "/events/channel/#a": 1} {
			if asked[path] != want {
				t.Errorf("%s: asked %s %d times, want %d", name, path, asked[path], want)
			}
		}
	}
}

// A pause that would outlast the timeout is not begun.
func TestRetries_withinTimeout(t *testing.T) {
	busy := answer(503, header("Content-Type", "application/json", "Retry-After", "30"), `{"error":"disk full","code":"unavailable","message":"disk full"}`)
	inBubble(t, busy, client.Options{}, func(t *testing.T, c *client.Client) {
		start := time.Now()
		_, err := c.Send(t.Context(), bridgetest.NewAgent(t, c, "alice").Draft("#a", "x"))
		e := asError(t, "Send", err)
		if took := time.Since(start); took != 0 || e.Code != agentbridge.Unavailable || e.RetryAfter != 30*time.Second {
			t.Errorf("Send() took %v: %+v", took, e)
		}
	})
}
