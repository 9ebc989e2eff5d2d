package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

var overHTTP = []bench.Door{bench.HTTP, bench.MCP}

func TestEnter_token(t *testing.T) {
	const token = "right-0123456789-0123456789-0123"
	own := target(t, token)
	for _, door := range overHTTP {
		mustSend(t, enter(t, own, door, "alice"), "x", "hello")
		for _, wrong := range []string{"", "wrong-0123456789-0123456789-0123"} {
			_, err := (&bench.Target{Name: "own", URL: own.URL, Token: wrong}).Enter(t.Context(), door, "mallory")
			bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
			if err != nil && wrong != "" && strings.Contains(err.Error(), wrong) {
				t.Errorf("Enter(%s) shows the token: %v", door, err)
			}
		}
	}
}

// Whoever has a token of its own sends under the name that it belongs to.
func TestEnter_ownName(t *testing.T) {
	bridge := bridgetest.Unlimited(t)
	url := serve(t, func() http.Handler {
		return instead("/api/session", `{"authenticated":true,"auth_required":true,"agent":"carol","roles":["member"]}`, faces(t, bridge, ""))
	})
	for _, door := range overHTTP {
		a := enter(t, &bench.Target{Name: "own", URL: url + "/", Token: "hers"}, door, "bench-1")
		mustSend(t, a, string(door), "hello")
		if list, err := a.Read(t.Context(), string(door), "", 1); err != nil || texts(list) != "carol: hello" {
			t.Errorf("Read() through %s = %q, %v", door, texts(list), err)
		}
	}
}

// Not everybody who answers is a bridge.
func TestEnter_stranger(t *testing.T) {
	secret := "secret-0123456789"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a page":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<h1>Hello</h1>") }, "its answer is not JSON"},
		"not found":  {http.NotFound, "does not say who it is"},
		"other JSON": {func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, `{"service":"x"}`) }, "does not say what a bridge's says"},
		"no JSON":    {func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, `{"service":`) }, "makes no sense"},
		"a server":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, "status 418"},
		"broken off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "nobody answers"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.org/", http.StatusFound)
		}, "redirect"},
		"reference B": {func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, `{"service":"claude-bridge\u001b[2J","status":"online","version":"1.2.0","server_time":"2026-01-01T00:00:00Z"}`)
		}, `no agentbridge but calls itself "claude-bridge`},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			for _, door := range overHTTP {
				_, err := (&bench.Target{Name: "it", URL: server.URL, Token: secret}).Enter(t.Context(), door, "alice")
				bridgetest.WantErr(t, agentbridge.Unreachable, err)
				if err != nil && (!strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), secret)) {
					t.Errorf("Enter(%s) = %v, want %q", door, err, c.want)
				}
			}
		})
	}
}

func TestEnter_nobody(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for _, door := range overHTTP {
		_, err := (&bench.Target{Name: "it", URL: server.URL}).Enter(t.Context(), door, "alice")
		bridgetest.WantErr(t, agentbridge.Unreachable, err)
		_, err = (&bench.Target{Name: "it", URL: "127.0.0.1:8765"}).Enter(t.Context(), door, "alice")
		bridgetest.WantErr(t, agentbridge.InvalidFormat, err)
		_, err = (&bench.Target{Name: "it"}).Enter(t.Context(), door, "alice")
		bridgetest.WantErr(t, agentbridge.InvalidValue, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&bench.Target{Name: "it", URL: server.URL}).Enter(ended, bench.HTTP, "alice"); !errors.Is(err, context.Canceled) {
		t.Errorf("Enter() after its context ended = %v", err)
	}
}

func TestEnter_stdioStranger(t *testing.T) {
	for name, line := range map[string]string{
		"no JSON":     "Hello!",
		"another's":   `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"other"}}}`,
		"its end":     "",
		"a refusal":   `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}`,
		"no result":   `{"jsonrpc":"2.0","id":1}`,
		"half a line": `{"jsonrpc`,
	} {
		in, fromIt := io.Pipe()
		out, toIt := io.Pipe()
		go func() { // reads what it is told, says its line and ends
			_, _ = out.Read(make([]byte, 1000))
			if line != "" {
				_, _ = io.WriteString(fromIt, line+"\n")
			}
			_ = fromIt.Close()
		}()
		ended := make(chan struct{})
		close(ended)
		_, err := (&bench.Target{Name: "it", Stdio: func(context.Context) (io.ReadWriteCloser, error) {
			return &pipes{in, toIt, ended}, nil
		}}).Enter(t.Context(), bench.Stdio, "alice")
		if code := agentbridge.CodeOf(err); code != agentbridge.Unreachable && name != "a refusal" || err == nil {
			t.Errorf("%s: Enter() = %v", name, err)
		}
	}
	_, err := (&bench.Target{Name: "it", Stdio: func(context.Context) (io.ReadWriteCloser, error) { return nil, errors.New("no such file") }}).
		Enter(t.Context(), bench.Stdio, "alice")
	bridgetest.WantErr(t, agentbridge.Unreachable, err)
}

// A server may answer a call with a stream, and say other things in it first; it
// may forget its sessions when it is started anew, and keep none at all.
func TestMCP_servers(t *testing.T) {
	sessions := 0
	var forgot bool
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		if r.Method == http.MethodPost {
			_ = json.NewDecoder(r.Body).Decode(&message)
		}
		switch {
		case r.URL.Path == "/status":
			writeJSON(w, `{"service":"x","status":"online","version":"1","server_time":"2026-01-01T00:00:00Z"}`)
		case r.URL.Path == "/api/session": // older ones don't have it
			http.NotFound(w, r)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case message.Method == "initialize":
			sessions++
			forgot = false
			w.Header().Set("Mcp-Session-Id", strings.Repeat("s", sessions))
			writeJSON(w, `{"jsonrpc":"2.0","id":`+string(message.ID)+`,"result":{"protocolVersion":"2025-06-18","serverInfo":{"name":"x"}}}`)
		case r.Header.Get("Mcp-Session-Id") != strings.Repeat("s", sessions) || r.Header.Get("Mcp-Protocol-Version") != "2025-06-18":
			w.WriteHeader(http.StatusBadRequest)
		case message.Method == "notifications/initialized":
			w.WriteHeader(http.StatusAccepted)
		case forgot:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Session not found"}}`)
		default:
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			_, _ = io.WriteString(w, ": ok\r\n\r\nevent: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}\r\n\r\n"+
				"data: {\"jsonrpc\":\"2.0\",\"id\":99999,\"result\":{\"isError\":true,\"content\":[]}}\r\n\r\n"+
				"event: message\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"id\":"+string(message.ID)+",\"result\":{\"content\":[],\"structuredContent\":{\"id\":\"m1\"}}}\r\n\r\n: more\r\n\r\n")
		}
	})
	url := serve(t, func() http.Handler { return server })
	alice := enter(t, &bench.Target{Name: "it", URL: url, Foreign: true}, bench.MCP, "alice")
	for range 3 {
		if id, err := alice.Send(t.Context(), "x", "hello", ""); err != nil || id != "m1" {
			t.Errorf("Send() = %q, %v", id, err)
		}
		forgot = true
	}
	if sessions != 3 {
		t.Errorf("%d sessions, want one anew for each time that it was forgotten", sessions)
	}
}

// An answer without an end, a line of a stream without one: neither fills the
// memory, and both end the call.
func TestAgent_endless(t *testing.T) {
	chunk := []byte(strings.Repeat("x", 1<<20))
	url := serve(t, func() http.Handler {
		bridge := bridgetest.Unlimited(t)
		own := faces(t, bridge, "")
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasPrefix(r.URL.Path, "/events/"):
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, "data: ")
			case r.URL.Path == "/api/state":
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `"`)
			default:
				own.ServeHTTP(w, r)
				return
			}
			for err := error(nil); err == nil; {
				_, err = w.Write(chunk)
			}
		})
	})
	alice := enter(t, &bench.Target{Name: "own", URL: url}, bench.HTTP, "alice")
	_, err := alice.List(t.Context())
	bridgetest.WantErr(t, agentbridge.Unreachable, err)
	stream, err := alice.(bench.Follower).Follow(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	_, err = stream.Next(t.Context())
	bridgetest.WantErr(t, agentbridge.Unreachable, err)
}

// A server that goes away fails the calls, and agents go on when it is back.
func TestAgent_restart(t *testing.T) {
	bridge := bridgetest.Unlimited(t)
	own := faces(t, bridge, "")
	server := httptest.NewServer(own)
	addr := server.Listener.Addr().String()
	target := &bench.Target{Name: "own", URL: server.URL}
	agents := map[bench.Door]bench.Agent{}
	for _, door := range overHTTP {
		agents[door] = enter(t, target, door, "alice")
		mustSend(t, agents[door], "x", "before")
	}
	server.CloseClientConnections()
	server.Close()
	for door, a := range agents {
		_, err := a.Send(t.Context(), "x", "meanwhile", "")
		if bridgetest.WantErr(t, agentbridge.Unreachable, err); err != nil && !strings.Contains(err.Error(), "nobody answers") {
			t.Errorf("Send() through %s = %v", door, err)
		}
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	back := &http.Server{Handler: faces(t, bridge, "")} // with sessions of its own
	ended := make(chan error, 1)
	go func() { ended <- back.Serve(listener) }()
	for _, a := range agents {
		mustSend(t, a, "x", "after")
		if err := a.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
	_ = back.Close() // ends Serve
	<-ended
}

// The stream of a listener stands until it leaves.
func TestListener(t *testing.T) {
	for name, target := range map[string]*bench.Target{"own": target(t, ""), "theirs": likeB(t)} {
		a := enter(t, target, bench.MCP, "alice")
		if err := a.(bench.Listener).Listen(t.Context()); err != nil {
			t.Errorf("%s: Listen() = %v", name, err)
		}
		mustSend(t, a, "x", "while it listens")
	}
}
