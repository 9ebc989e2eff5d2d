package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// configured starts a server with every variable at a value that is not the
// default, on a database whose log begins three days ago.
func configured(t *testing.T) (url string) {
	t.Helper()
	h := newHome(t)
	h.age(t, 3*day, "first", "second", "third")
	p, url := h.serveIn(t, []string{
		"AGENTBRIDGE_NO_DASHBOARD=yes",
		"AGENTBRIDGE_AUTH_TOKEN=" + goodToken,
		"AGENTBRIDGE_CORS_ORIGIN=https://app.example",
		"AGENTBRIDGE_TRUSTED_HOSTS=bridge.example",
		"AGENTBRIDGE_RETENTION_DAYS=5",
		"AGENTBRIDGE_AUDIT_LOG=on",
		"AGENTBRIDGE_MAX_REQUEST_BYTES=2048",
		"AGENTBRIDGE_MAX_MESSAGE_BYTES=100",
		"AGENTBRIDGE_MAX_SSE=2",
		"AGENTBRIDGE_MAX_SSE_PER_CHANNEL=1",
		"AGENTBRIDGE_SSE_REPLAY_LIMIT=1",
		"AGENTBRIDGE_RETENTION_SWEEP_SECONDS=11",
		"AGENTBRIDGE_AUDIT_RETENTION_DAYS=2",
		"AGENTBRIDGE_STATELESS_HTTP=1",
		"AGENTBRIDGE_SESSION_TTL_SECONDS=61",
		"AGENTBRIDGE_EVENT_POLL_MS=60",
		"AGENTBRIDGE_EVENT_RETENTION_DAYS=1",
		"AGENTBRIDGE_MAX_CONNECTIONS=nobody's",
	})
	banner := strings.Join(p.banner, "\n")
	for _, want := range []string{
		"  database   " + h.db(),
		"  retention  messages older than 5 days are DELETED; looked for every 11 s",
		"  audit log  " + url + "/api/audit",
	} {
		if !strings.Contains(banner, want+"\n") {
			t.Errorf("the banner lacks %q:\n%s", want, banner)
		}
	}
	return url
}

// Each variable does what it says.
func TestProcess_serveHeedsEverySetting(t *testing.T) {
	url := configured(t)
	auth := []string{"Authorization", "Bearer " + goodToken}
	request := func(method, path, body string, headers ...string) (*http.Response, string) {
		t.Helper()
		return ask(t, http.DefaultClient, method, url+path, body, append(auth, headers...)...)
	}
	want := func(what string, status int, words string, response *http.Response, body string) {
		t.Helper()
		if response.StatusCode != status || !strings.Contains(body, words) {
			t.Errorf("%s: %d %.300s, want %d with %q", what, response.StatusCode, body, status, words)
		}
	}
	check := func(what string, status int, words, method, path, body string, headers ...string) {
		t.Helper()
		response, answer := request(method, path, body, headers...)
		want(what, status, words, response, answer)
	}
	text := func(n int) string {
		return fmt.Sprintf(`{"channel":"d","sender":"s","content":%q}`, strings.Repeat("x", n))
	}

	check("no dashboard", 404, "Not Found", "GET", "/", "")
	check("trusted host", 200, "total_messages", "GET", "/api/state", "", "Host", "bridge.example")
	check("retention days", 200, `"retention_days":5`, "GET", "/api/state", "")
	check("audit log", 200, `"audit_enabled":true`, "GET", "/api/state", "")
	check("max message", 200, `"seq"`, "POST", "/api/send", text(100))
	check("max message", 413, "at most 100 ", "POST", "/api/send", text(101))
	check("max request", 413, "request body too large", "POST", "/api/send", text(1<<14))
	check("audit retention", 200, `"event":"send","channel":"d"`, "GET", "/api/audit", "")
	if _, body := request("GET", "/api/audit", ""); strings.Contains(body, `"channel":"c"`) {
		t.Errorf("/api/audit shows what is three days old: %s", body)
	}
	if response, _ := request("GET", "/api/state", "", "Origin", "https://app.example"); response.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Error("the origin that was listed may not read")
	}
	if response, _ := request("POST", "/api/session", ""); !strings.Contains(response.Header.Get("Set-Cookie"), "Max-Age=61") {
		t.Errorf("session: %d, cookie %q, want Max-Age=61", response.StatusCode, response.Header.Get("Set-Cookie"))
	}
	response, body := request("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":`+initialize+`}`,
		"Accept", "application/json, text/event-stream")
	if want("initialize", 200, "serverInfo", response, body); response.Header.Get("Mcp-Session-Id") != "" {
		t.Error("it keeps MCP sessions")
	}
	checkStreams(t, url, auth)
}

// Callers without a name have three quarters of the sessions, and the next one
// is told.
func TestProcess_serveCapsSessions(t *testing.T) {
	_, url := newHome(t).serveIn(t, []string{"AGENTBRIDGE_MAX_SESSIONS=20"})
	for n := range 16 {
		response, body := ask(t, http.DefaultClient, "POST", url+"/mcp", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":`+initialize+`}`,
			"Accept", "application/json, text/event-stream")
		switch admitted := response.StatusCode == http.StatusOK; {
		case admitted != (n < 15):
			t.Errorf("session %d: %d %s", n+1, response.StatusCode, body)
		case !admitted && (response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "--max-sessions")):
			t.Errorf("refused with %d %s", response.StatusCode, body)
		}
	}
}

// checkStreams looks at replays, at positions that are too old, and at the caps.
func checkStreams(t *testing.T, url string, auth []string) {
	t.Helper()
	_, body := ask(t, http.DefaultClient, "GET", url+"/api/messages?channel=c", "", auth...)
	var listing struct{ Messages []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &listing); err != nil || len(listing.Messages) != 3 {
		t.Fatalf("%s: %v; want three messages", body, err)
	}
	_, replay := ask(t, http.DefaultClient, "GET", url+"/events/channel/c?since_id="+listing.Messages[0].ID, "", auth...)
	if strings.Count(replay, "event: message") != 1 || !strings.Contains(replay, "replay_truncated") || !strings.Contains(replay, `"limit": 1`) && !strings.Contains(replay, `"limit":1`) {
		t.Errorf("replay: %q, want one message and replay_truncated", replay)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	open := func(path string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, "GET", url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(auth[0], auth[1])
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	// The second entry of the log is three days old, and a position may be one.
	events := bufio.NewScanner(open("/api/events?since_seq=1").Body)
	for events.Scan() && !strings.HasPrefix(events.Text(), "event: ") {
	}
	if events.Text() != "event: reset" {
		t.Errorf("an old position: %q, want a reset", events.Text())
	}
	if first := open("/events/channel/c"); first.StatusCode != 200 {
		t.Errorf("second stream: %d, want 200", first.StatusCode)
	}
	for path, words := range map[string]string{"/events/channel/c": "channel 'c' has reached its subscriber cap", "/events/channel/d": "server subscriber cap reached"} {
		if response, body := ask(t, http.DefaultClient, "GET", url+path, "", auth...); response.StatusCode != 503 || !strings.Contains(body, words) {
			t.Errorf("one stream too many on %s: %d %s, want 503 %q", path, response.StatusCode, body, words)
		}
	}
}
