package bench_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
	"agentbridge/internal/boundary"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/mcpserver"
)

// patience is how long a test waits for what must happen before it fails.
const patience = 30 * time.Second

// target is a whole bridge in this process: its engine, its faces over HTTP as
// serve puts them together, and one behind pipes for each agent of stdio. It is
// open to this machine unless it has a token.
func target(t *testing.T, token string) *bench.Target {
	bridge := bridgetest.Unlimited(t)
	url := serve(t, func() http.Handler { return faces(t, bridge, token) })
	return &bench.Target{Name: "own", URL: url, Token: token, Bridge: bridge, Stdio: func(context.Context) (io.ReadWriteCloser, error) {
		return pipe(bridge, slog.New(slog.NewTextHandler(t.Output(), nil))), nil
	}}
}

// serve listens until the test ends. What the handler is made of ends before
// the server does, which would wait for its streams.
func serve(t *testing.T, handler func() http.Handler) (url string) {
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	server.Config.Handler = handler()
	server.Start()
	return server.URL
}

// faces are what the command serve listens with.
func faces(t *testing.T, bridge *bridgetest.Bridge, token string) http.Handler {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	api, mcp := httpapi.New(bridge, httpapi.Options{Logger: log}), mcpserver.New(bridge, mcpserver.Options{Logger: log})
	t.Cleanup(func() {
		api.Close()
		mcp.Close()
	})
	overHTTP, overMCP := api.Handler(), mcp.Handler()
	return boundary.New(boundary.Options{Token: token, Logger: log}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/mcp" {
			overMCP.ServeHTTP(w, r)
			return
		}
		overHTTP.ServeHTTP(w, r)
	}))
}

// pipe serves one client over pipes, as a process of stdio does.
func pipe(bridge agentbridge.Bridge, log *slog.Logger) io.ReadWriteCloser {
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	p := &pipes{fromServer, toServer, make(chan struct{})}
	server := mcpserver.New(bridge, mcpserver.Options{Logger: log, KeepTokens: true,
		Principal: func(context.Context) (agentbridge.Principal, error) { return agentbridge.Local(), nil }})
	go func() {
		defer close(p.ended)
		defer out.Close()
		_ = server.ServeStdio(context.Background(), in, out) // it ends with its input
		server.Close()
	}()
	return p
}

type pipes struct {
	io.ReadCloser
	toServer *io.PipeWriter
	ended    chan struct{}
}

func (p *pipes) Write(b []byte) (int, error) { return p.toServer.Write(b) }

// Close ends the server, as the end of its input does.
func (p *pipes) Close() error {
	_ = p.toServer.Close() // a pipe's never fails
	_ = p.ReadCloser.Close()
	<-p.ended
	return nil
}

// likeB is the target as somebody else's bridge: it has another name, and
// nothing behind a door but HTTP.
func likeB(t *testing.T) *bench.Target {
	bridge := bridgetest.Unlimited(t)
	url := serve(t, func() http.Handler {
		return instead("/status", `{"service":"claude-bridge","status":"online","version":"1.2.0","server_time":"2026-01-01T00:00:00Z"}`, faces(t, bridge, ""))
	})
	return &bench.Target{Name: "theirs", URL: url, Foreign: true}
}

// instead answers on one path itself.
func instead(path, answer string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			writeJSON(w, answer)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, text)
}

// enter opens an agent that leaves with the test.
func enter(t *testing.T, target *bench.Target, door bench.Door, name string) bench.Agent {
	t.Helper()
	a, err := target.Enter(t.Context(), door, name)
	if err != nil {
		t.Fatalf("Enter(%s, %s) = %v", door, name, err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil && agentbridge.CodeOf(err) != agentbridge.Unreachable { // its server may be gone by then
			t.Errorf("Close() of %s through %s = %v", name, door, err)
		}
	})
	return a
}

func mustSend(t *testing.T, a bench.Agent, channel, content string) (id string) {
	t.Helper()
	id, err := a.Send(t.Context(), channel, content, "")
	if err != nil || id == "" {
		t.Fatalf("Send(%s, %.20q) = %q, %v", channel, content, id, err)
	}
	return id
}

// throughDoors runs a test through each door of a bridge, and of one that is
// somebody else's, with a name of its own for each to begin channels with.
func throughDoors(t *testing.T, test func(t *testing.T, target *bench.Target, door bench.Door, prefix string)) {
	for _, target := range []*bench.Target{target(t, ""), likeB(t)} {
		for _, door := range target.Doors() {
			name := target.Name + "/" + string(door)
			t.Run(name, func(t *testing.T) { test(t, target, door, name+":") })
		}
	}
}

// texts are what messages say.
func texts(list []bench.Message) string {
	var all []string
	for _, m := range list {
		all = append(all, m.Sender+": "+m.Content)
	}
	return strings.Join(all, "\n")
}
