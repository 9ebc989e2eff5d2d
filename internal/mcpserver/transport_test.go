// This file is the workshop of the transport tests: a server with the tools they need, reachable over a
// real listener, and raw HTTP clients.

package mcpserver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// bench is a server on transports with the tools of the tests.
type bench struct {
	*transports
	t      *testing.T
	url    string
	client *http.Client
	dial   func() (net.Conn, error)
	dials  atomic.Int64
	http   *http.Server

	started chan struct{} // a blocking tool, or big, runs
	ended   chan error    // the cause its context ended with
	release chan struct{} // lets begin and hold go
	left    chan bool     // what onReply said
}

func newBench(t *testing.T, opts transportOptions) *bench {
	b := &bench{
		t:       t,
		started: make(chan struct{}, 10),
		ended:   make(chan error, 10),
		release: make(chan struct{}, 10),
		left:    make(chan bool, 10),
	}
	b.transports = newTransports(b.newServer(), opts)
	return b
}

func (b *bench) serve(wrap ...func(http.Handler) http.Handler) *bench {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	return b.serveOn(l, func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }, wrap...)
}

// servePipe serves inside a synctest bubble, where a real network would keep the clock from moving.
func (b *bench) servePipe(wrap ...func(http.Handler) http.Handler) *bench {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return b.serveOn(l, l.dial, wrap...)
}

func (b *bench) serveOn(l net.Listener, dial func() (net.Conn, error), wrap ...func(http.Handler) http.Handler) *bench {
	h := b.handler()
	for _, w := range wrap {
		h = w(h)
	}
	b.dial = func() (net.Conn, error) { b.dials.Add(1); return dial() }
	b.url = "http://localhost"
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		b.url = fmt.Sprintf("http://127.0.0.1:%d", a.Port)
	}
	b.http = &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		if c, ok := c.(*net.TCPConn); ok {
			c.SetWriteBuffer(16 << 10) // so that a client that does not read is noticed soon
		}
		return ctx
	}}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return b.dial() }}
	b.client = &http.Client{Transport: transport}
	served := make(chan struct{})
	go func() { defer close(served); b.http.Serve(l) }()
	b.t.Cleanup(func() {
		b.close()
		transport.CloseIdleConnections()
		b.http.Close()
		<-served
	})
	return b
}

func (b *bench) newServer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "bench", Version: "1"}, &mcp.ServerOptions{
		SetCacheable: func(_ context.Context, _ mcp.Request, c *mcp.Cacheable) { c.CacheScope = "private" },
	})
	add := func(name string, run func(ctx context.Context, c *call, text string) (*mcp.CallToolResult, error)) {
		server.AddTool(&mcp.Tool{Name: name, InputSchema: map[string]any{"type": "object"}},
			func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				ctx, c := callOf(ctx, req)
				var args struct{ Text string }
				if err := json.Unmarshal(req.Params.Arguments, &args); err != nil {
					return nil, err
				}
				return run(ctx, c, args.Text)
			})
	}
	text := func(s string) *mcp.CallToolResult {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
	}
	reported := func(c *call, s string) *mcp.CallToolResult {
		r := text(s)
		c.onReply(r, func(left bool) { b.left <- left })
		return r
	}
	add("echo", func(_ context.Context, _ *call, s string) (*mcp.CallToolResult, error) { return text(s), nil })
	add("who", func(ctx context.Context, _ *call, _ string) (*mcp.CallToolResult, error) {
		return text(fmt.Sprint(agentbridge.PrincipalOf(ctx).Name, agentbridge.PrincipalOf(ctx).Roles)), nil
	})
	add("report", func(_ context.Context, c *call, s string) (*mcp.CallToolResult, error) { return reported(c, s), nil })
	// report slowly is report with a store that takes its time; for bubbles.
	add("report slowly", func(_ context.Context, c *call, s string) (*mcp.CallToolResult, error) {
		r := text(s)
		c.onReply(r, func(left bool) { time.Sleep(slowStore); b.left <- left })
		return r, nil
	})
	add("big", func(_ context.Context, c *call, _ string) (*mcp.CallToolResult, error) {
		b.started <- struct{}{}
		return reported(c, strings.Repeat("x", 4<<20)), nil
	})
	// wait blocks until its context ends, as bridge_wait does without messages.
	add("wait", func(ctx context.Context, c *call, _ string) (*mcp.CallToolResult, error) {
		b.started <- struct{}{}
		<-ctx.Done()
		b.ended <- context.Cause(ctx)
		return reported(c, "too late"), nil
	})
	// begin is wait with bytes on the way.
	add("begin", func(ctx context.Context, c *call, _ string) (*mcp.CallToolResult, error) {
		c.beginStream()
		b.started <- struct{}{}
		select {
		case <-ctx.Done():
			b.ended <- context.Cause(ctx)
		case <-b.release:
		}
		return reported(c, "begun"), nil
	})
	add("begin and fail", func(_ context.Context, c *call, _ string) (*mcp.CallToolResult, error) {
		c.beginStream()
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "too late for a status"}
	})
	// hold ignores its context.
	add("hold", func(_ context.Context, c *call, _ string) (*mcp.CallToolResult, error) {
		b.started <- struct{}{}
		<-b.release
		return reported(c, "held"), nil
	})
	return server
}

const slowStore = 100 * time.Millisecond

// within receives from ch, or fails. It is for what the kernel or another goroutine brings.
// hangTime is after how long a test takes something for lost: long enough for a
// busy machine and the race detector.
const hangTime = 30 * time.Second

func within[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(hangTime):
		t.Fatalf("%s: nothing after %v", what, hangTime)
		panic("unreachable")
	}
}

func (b *bench) wantLeft(want bool) {
	b.t.Helper()
	if got := within(b.t, "onReply", b.left); got != want {
		b.t.Errorf("onReply: left = %v, want %v", got, want)
	}
}

func (b *bench) wantEnded(want error) {
	b.t.Helper()
	if got := within(b.t, "the tool's context", b.ended); !errors.Is(got, want) {
		b.t.Errorf("the tool's context ended with %v, want %v", got, want)
	}
}

// headers are set on a request; "" removes.
type headers map[string]string

const legacyInit = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`

func legacyCall(id int, tool, text string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{"Text":%q}}}`, id, tool, text)
}

func modernCall(id int, tool, text string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{"Text":%q},`+
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, id, tool, text)
}

func modernHeaders(tool string) headers {
	return headers{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": tool}
}

func (b *bench) request(ctx context.Context, method, path, body string, h headers) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json, text/event-stream")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range h {
		switch {
		case v == "":
			r.Header.Del(k)
		case k == "Host":
			r.Host = v
		default:
			r.Header.Set(k, v)
		}
	}
	return r
}

// do returns the response with its body read.
func (b *bench) do(method, path, body string, h headers) (*http.Response, string) {
	b.t.Helper()
	resp, err := b.client.Do(b.request(b.t.Context(), method, path, body, h))
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	p, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s %s: body: %v", method, path, err)
	}
	return resp, string(p)
}

// initialize opens a session of an older revision and returns its headers.
func (b *bench) initialize() headers {
	b.t.Helper()
	resp, body := b.do("POST", "/mcp", legacyInit, nil)
	id := resp.Header.Get("Mcp-Session-Id")
	if resp.StatusCode != 200 || id == "" {
		b.t.Fatalf("initialize: status %d, session %q: %s", resp.StatusCode, id, body)
	}
	return headers{"Mcp-Session-Id": id, "Mcp-Protocol-Version": "2025-11-25"}
}

// wantStatus checks a response and that its body contains text.
func wantStatus(t *testing.T, what string, resp *http.Response, body string, status int, text string) {
	t.Helper()
	if resp.StatusCode != status || !strings.Contains(body, text) {
		t.Errorf("%s: status %d body %.300q, want %d with %q", what, resp.StatusCode, body, status, text)
	}
}

// A running is a request whose response is still coming.
type running struct {
	cancel context.CancelFunc
	lines  chan string // of the body; closed at its end
	failed chan error  // of the request
}

// start sends a request without waiting for its response.
func (b *bench) start(method, path, body string, h headers) *running {
	ctx, cancel := context.WithCancel(b.t.Context())
	run := &running{cancel: cancel, lines: make(chan string, 100), failed: make(chan error, 1)}
	r := b.request(ctx, method, path, body, h)
	go func() {
		defer close(run.lines)
		resp, err := b.client.Do(r)
		if err != nil {
			run.failed <- err
			return
		}
		defer resp.Body.Close()
		scanner := bufio.NewScanner(resp.Body)
		scanner.Buffer(nil, 64<<20)
		for scanner.Scan() {
			select {
			case run.lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return run
}

// want reads lines until one contains text.
func (r *running) want(t *testing.T, text string) string {
	t.Helper()
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				t.Fatalf("stream ended without %q", text)
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-time.After(hangTime):
			t.Fatalf("stream: no %q after 5 s", text)
		}
	}
}

// wantEnd reads to the end of the stream.
func (r *running) wantEnd(t *testing.T) {
	t.Helper()
	for {
		select {
		case _, ok := <-r.lines:
			if !ok {
				return
			}
		case <-time.After(hangTime):
			t.Fatal("the stream is still open after 5 s")
		}
	}
}

// A listening is an open /sse stream.
type listening struct {
	*running
	path string // to post to
}

func (b *bench) listenSSE() *listening {
	b.t.Helper()
	l := &listening{running: b.start("GET", "/sse", "", nil)}
	l.path = strings.TrimPrefix(l.want(b.t, "data: "), "data: ")
	b.post(l, legacyInit)
	l.want(b.t, `"protocolVersion":"2025-11-25"`)
	b.post(l, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return l
}

func (b *bench) post(l *listening, body string) {
	b.t.Helper()
	resp, text := b.do("POST", l.path, body, nil)
	wantStatus(b.t, "POST "+l.path, resp, text, 202, "Accepted")
}

// pipeListener is a net.Listener of net.Pipes.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }
func (l *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	l.conns <- server
	return client, nil
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

func TestClose_letsShutdownReturnWithOpenStreams(t *testing.T) { // Shutdown alone waits for ever
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	get := b.start("GET", "/mcp", "", session)
	get.want(t, ": ok")
	sse := b.listenSSE()
	post := b.start("POST", "/mcp", legacyCall(1, "begin", ""), session)
	modern := b.start("POST", "/mcp", modernCall(1, "begin", ""), modernHeaders("begin"))
	within(t, "begin", b.started)
	within(t, "begin", b.started)

	began := time.Now()
	b.close()
	ctx, cancel := context.WithTimeout(t.Context(), hangTime)
	defer cancel()
	if err := b.http.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("close and Shutdown took %v, want less than 1 s", took)
	}
	b.wantEnded(errClosed)
	b.wantEnded(errClosed)
	b.wantLeft(false)
	b.wantLeft(false)
	for _, stream := range []*running{get, sse.running, post, modern} {
		stream.wantEnd(t)
	}
}

func TestClose_refusesWhatComesAfter(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	b.close()
	for _, path := range []string{"/mcp", "/sse"} {
		method, body := "POST", legacyInit
		if path == "/sse" {
			method, body = "GET", ""
		}
		resp, text := b.do(method, path, body, nil)
		wantStatus(t, path, resp, text, 503, "error")
	}
	if err := b.serveStdio(t.Context(), io.NopCloser(strings.NewReader("")), nopWriter{io.Discard}); err != nil {
		t.Errorf("serveStdio: %v", err)
	}
}

func TestClose_waitsForOnReply(t *testing.T) { // the store is closed next
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, transportOptions{}).servePipe()
		b.do("POST", "/mcp", modernCall(1, "report slowly", ""), modernHeaders("report slowly"))
		b.close()
		select {
		case left := <-b.left:
			if !left {
				t.Error("onReply: left = false")
			}
		default:
			t.Error("close returned before onReply's function")
		}
	})
}

type nopWriter struct{ io.Writer }

func (nopWriter) Close() error { return nil }
