package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
)

// answer is a handler that always says the same.
func answer(status int, header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

var (
	asJSON   = header("Content-Type", "application/json")
	asHTML   = header("Content-Type", "text/html; charset=utf-8")
	asStream = header("Content-Type", "text/event-stream; charset=utf-8")
)

// Whoever listens at a bridge's address may be somebody else. Every call says
// so, and nothing of what they said is taken for an answer.
func TestForeign(t *testing.T) {
	huge := strings.Repeat(" ", 9<<20) + "{}"
	for name, h := range map[string]http.HandlerFunc{
		"a web page":           answer(200, asHTML, "<html>"),
		"no page":              answer(404, asHTML, "<html>"),
		"a broken proxy":       answer(502, asHTML, "<html>"),
		"other JSON":           answer(200, asJSON, `{"ok":true}`),
		"null":                 answer(200, asJSON, "null"),
		"a list":               answer(200, asJSON, "[]"),
		"half of an answer":    answer(200, asJSON, `{"channel":"#a","messages":[`),
		"no time in a message": answer(200, asJSON, `{"channel":"#a","messages":[{"seq":1}],"channels":[{}],"id":"x","service":"agentbridge","conversation_id":"conv_0123456789abcdef","session_id":"b","consumer_id":"alice","events":[{}],"enabled":true}`),
		"JSON that refuses":    answer(404, asJSON, `{"message":"Not Found"}`),
		"an empty answer":      answer(200, nil, ""),
		"no content":           answer(204, nil, ""),
		"huge":                 answer(200, asJSON, huge),
		"text for JSON":        answer(200, header("Content-Type", "text/plain"), "{}"),
		"nothing but a break":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a redirect":           answer(302, header("Location", "/elsewhere"), ""),
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(h)
			defer server.Close()
			for call, err := range everyCall(t, dial(t, client.Options{URL: server.URL})) {
				e := asError(t, call, err)
				if e.Code != agentbridge.Unreachable || !strings.Contains(e.Message, server.URL) {
					t.Errorf("%s = %s: %v", call, e.Code, err)
				}
			}
		})
	}
}

// everyCall makes each call that a client can make, once.
func everyCall(t *testing.T, c *client.Client) map[string]error {
	ctx := t.Context()
	return map[string]error{
		"Ping":     second(c.Ping(ctx)),
		"Read":     second(c.Read(ctx, agentbridge.ReadRequest{Channel: "#a"})),
		"Wait":     second(c.Wait(ctx, agentbridge.ReadRequest{Channel: "#a", Consumer: "alice"}, 0)),
		"Send":     second(c.Send(ctx, bridgetest.NewAgent(t, c, "alice").Draft("#b", "x"))),
		"Ack":      second(c.Ack(ctx, agentbridge.Ack{Channel: "#a", Consumer: "alice", MessageID: "x"})),
		"Message":  second(c.Message(ctx, "x")),
		"Channels": second(c.Channels(ctx, agentbridge.ChannelQuery{})),
		"Overview": second(c.Overview(ctx, "", 5, 0)),
		"Clear":    second(c.Clear(ctx, "#b")),
		"Entries":  second(c.Entries(ctx, agentbridge.EntryQuery{})),
		"Create":   second(c.CreateConversation(ctx, "backend_developer", "frontend_developer")),
		"Join":     second(c.JoinConversation(ctx, "7K3M-9QWE-R2TX")),
		"Follow":   second(c.Follow(ctx, "#a", "")),
		"Watch":    second(c.Watch(ctx, nil, "7")),
	}
}

func TestRefused(t *testing.T) {
	const token = "s3cret-token"
	for _, c := range []struct {
		name    string
		answer  http.HandlerFunc
		code    agentbridge.Code
		message string
		retry   time.Duration
	}{
		{"wrong token", answer(401, asJSON, `{"error":"unauthorized"}`), agentbridge.Unauthenticated, "does not accept the token", 0},
		{"forbidden", answer(403, asJSON, `{"error":"unauthenticated network access is disabled"}`), agentbridge.Unauthenticated, "unauthenticated network access is disabled", 0},
		{"too many", answer(429, header("Content-Type", "application/json", "Retry-After", "7"), `{"error":"slow down"}`), agentbridge.RateLimited, "slow down", 7 * time.Second},
		{"too large", answer(413, asJSON, `{"error":"request body too large"}`), agentbridge.TooLarge, "request body too large", 0},
		{"a host it does not trust", answer(400, asJSON, `{"error":"invalid host header"}`), agentbridge.InvalidValue, "invalid host header", 0},
		{"internal", answer(500, asJSON, `{"error":"internal error"}`), agentbridge.Internal, "internal error", 0},
		{"with a code", answer(400, asJSON, `{"error":"channel: is bad","field":"channel","code":"too_long","message":"is bad"}`), agentbridge.TooLong, "is bad", 0},
		{"with a field only", answer(409, asJSON, `{"error":"channel: is bad","field":"channel"}`), agentbridge.Conflict, "is bad", 0},
		{"text that acts on a terminal", answer(400, asJSON, `{"error":"\u001b[2J\nfake"}`), agentbridge.InvalidValue, `\x1b[2J\nfake`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			for call, err := range everyCall(t, dial(t, client.Options{URL: server.URL, Token: token})) {
				e := asError(t, call, err)
				if e.Code != c.code || !strings.Contains(e.Message, c.message) || e.RetryAfter != c.retry || strings.Contains(err.Error(), token) {
					t.Errorf("%s = %+v, want %s %q", call, e, c.code, c.message)
				}
			}
		})
	}
}

func TestToken(t *testing.T) { // is sent to the bridge with every call, and a missing one is said to be missing
	const token = "s3cret-token"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			answer(401, asJSON, `{"error":"unauthorized"}`)(w, r)
			return
		}
		answer(409, asJSON, `{"error":"let in"}`)(w, r)
	}))
	defer server.Close()
	for call, err := range everyCall(t, dial(t, client.Options{URL: server.URL, Token: token})) {
		if agentbridge.CodeOf(err) != agentbridge.Conflict {
			t.Errorf("%s with the token = %v", call, err)
		}
	}
	for call, err := range everyCall(t, dial(t, client.Options{URL: server.URL})) {
		if e := asError(t, call, err); e.Code != agentbridge.Unauthenticated || !strings.Contains(e.Message, "wants a token") {
			t.Errorf("%s without a token = %v", call, err)
		}
	}
}

// A bridge's address that was taken over sends its callers on, to collect their
// tokens.
func TestRedirect_keepsTheToken(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var asked atomic.Int64
		thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
		server := httptest.NewServer(answer(status, header("Location", thief.URL+"/api/ping"), ""))
		for call, err := range everyCall(t, dial(t, client.Options{URL: server.URL, Token: "s3cret-token"})) {
			if e := asError(t, call, err); e.Code != agentbridge.Unreachable || !strings.Contains(e.Message, "redirect") {
				t.Errorf("%s after %d = %v", call, status, err)
			}
		}
		if n := asked.Load(); n > 0 {
			t.Errorf("%d: %d requests followed", status, n)
		}
		server.Close()
		thief.Close()
	}
}

func TestHTTPS(t *testing.T) {
	server := httptest.NewTLSServer(answer(401, asJSON, `{"error":"unauthorized"}`))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "https://")
	for _, c := range []struct {
		name    string
		options client.Options
		code    agentbridge.Code
		message string
	}{
		{"trusted", client.Options{URL: server.URL, RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}, agentbridge.Unauthenticated, "token"},
		{"unknown authority", client.Options{URL: server.URL}, agentbridge.Unreachable, "authority"},
		{"http to it", client.Options{URL: "http://" + host}, agentbridge.Unreachable, "https://"},
	} {
		_, err := dial(t, c.options).Ping(t.Context())
		if e := asError(t, c.name, err); e.Code != c.code || !strings.Contains(e.Message, c.message) {
			t.Errorf("Ping(), %s = %s: %v", c.name, e.Code, err)
		}
	}
	plain := httptest.NewServer(answer(401, asJSON, `{"error":"unauthorized"}`))
	defer plain.Close()
	_, err := dial(t, client.Options{URL: strings.Replace(plain.URL, "http:", "https:", 1)}).Ping(t.Context())
	if e := asError(t, "https to http", err); e.Code != agentbridge.Unreachable || !strings.Contains(e.Message, "http://") {
		t.Errorf("Ping() with https to a plain server = %v", err)
	}
}

// A path prefix, as behind a reverse proxy, is kept.
func TestPrefix(t *testing.T) {
	paths := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths <- r.URL.EscapedPath()
		answer(409, asJSON, `{"error":"let in"}`)(w, r)
	}))
	defer server.Close()
	for range everyCall(t, dial(t, client.Options{URL: server.URL + "/a%2Fb/"})) {
	}
	close(paths)
	for path := range paths {
		if !strings.HasPrefix(path, "/a%2Fb/api/") && !strings.HasPrefix(path, "/a%2Fb/events/channel/") {
			t.Errorf("asked for %s", path)
		}
	}
}
