package httpapi_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"agentbridge/internal/httpapi"
)

func TestRoutes_unknownPathIsJSON404(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for _, path := range []string{"/", "/api", "/api/", "/api/nope", "/api/state/", "/api/session", "/api/messages/", "/events", "/events/", "/mcp", "/app.js", "//api/state", "/api/../api/state", "/STATUS"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if path == "/api/messages/" && method == http.MethodPost {
				continue // a message's path, which can't be posted to
			}
			r := h.request(method, "", nil)
			r.URL.Opaque = strings.TrimPrefix(h.url, "http:") + path // as it stands, not cleaned
			h.do(r).want(404, `{"error":"not found"}`)
		}
	}
}

func TestRoutes_wrongMethodIsJSON405(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for path, allow := range map[string]string{
		"/status": "GET", "/api/state": "GET", "/api/messages/x": "GET", "/api/wait": "GET", "/api/audit": "GET", "/api/ping": "GET",
		"/api/channels": "GET", "/api/overview": "GET", "/api/events": "GET", "/events/channel/x": "GET",
		"/api/send": "POST", "/api/ack": "POST", "/api/clear": "POST", "/api/conversations": "POST", "/api/conversations/join": "POST",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
			if method == allow {
				continue
			}
			a := h.do(h.request(method, path, nil))
			a.want(405, fmt.Sprintf(`{"error":"method not allowed: use %s on %s","hint":"%[1]s %[2]s"}`, allow, path))
			if got := a.header.Get("Allow"); got != allow {
				t.Errorf("%s: Allow %q, want %q", a.call, got, allow)
			}
		}
	}
}

// Row POST /api/messages: a wrong guess that many make.
func TestRoutes_postToMessagesPointsToSend(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	a := h.post("/api/messages?channel=c", `{"sender":"a","content":"x"}`)
	body := a.wantKeys("error", "hint")
	if a.status != 405 || a.header.Get("Allow") != "GET" || body["hint"] != "POST /api/send" || !strings.Contains(str(body["error"]), "/api/send") {
		t.Errorf("%s = %d %s, Allow %q", a.call, a.status, a.body, a.header.Get("Allow"))
	}
	h.wantStored("c")
}

func TestRoutes_headIsGetWithoutBody(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for _, path := range []string{"/status", "/api/state", "/api/messages?channel=c", "/api/audit", "/api/ping"} {
		a := h.do(h.request(http.MethodHead, path, nil))
		if a.status != 200 || a.body != "" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s = %d %q %q", a.call, a.status, a.body, a.header)
		}
	}
}

func TestRoutes_badQuery(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for _, path := range []string{"/api/messages?channel=%zz", "/api/state?%", "/api/wait?channel=c&since_id=%e", "/events/channel/c?since_id=%%", "/api/events?topics=%g0", "/status?%zz"} {
		body := h.get(path).wantKeys("error", "code", "message")
		if body["code"] != "invalid_format" || !strings.Contains(str(body["error"]), "percent-encoding") {
			t.Errorf("GET %s = %v", path, body)
		}
	}
}

// A path that can't be decoded never reaches a handler: net/http answers it.
func TestRoutes_badPath(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /events/channel/%%zz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 400 {
		t.Errorf("GET /events/channel/%%zz = %v, %v, want 400", res, err)
	}
}

func TestRoutes_parameters(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.MustSend("a;b", "with a semicolon")
	h.MustSend("c", "one")
	for path, want := range map[string]string{
		"/api/messages?channel=a;b":               "a;b", // an ordinary character
		"/api/messages?channel=a%3Bb":             "a;b",
		"/api/messages?channel=other&channel=c":   "c", // the last counts
		"/api/messages?channel=c&colour=blue&x=1": "c", // unknown ones don't
		"/api/messages?since_id=&channel=c":       "c", // empty is absent
	} {
		a := h.get(path)
		body := a.object()
		if list, _ := body["messages"].([]any); a.status != 200 || body["channel"] != want || len(list) != 1 {
			t.Errorf("%s = %d %s, want the message of %s", a.call, a.status, a.body, want)
		}
	}
}
