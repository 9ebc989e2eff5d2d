package mcpserver

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// deaf sends a request and never reads the response.
func (b *bench) deaf(method, path, body string, h headers) net.Conn {
	b.t.Helper()
	conn, err := b.dial()
	if err != nil {
		b.t.Fatal(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetReadBuffer(4 << 10)
	}
	b.t.Cleanup(func() { conn.Close() })
	r := b.request(b.t.Context(), method, path, body, h)
	if err := r.Write(conn); err != nil {
		b.t.Fatal(err)
	}
	return conn
}

func TestStream_cutsWhoDoesNotRead(t *testing.T) {
	const timeout = 300 * time.Millisecond
	b := newBench(t, transportOptions{WriteTimeout: timeout}).serve()
	session := b.initialize()

	b.deaf("POST", "/mcp", legacyCall(1, "big", ""), session)
	b.deaf("POST", "/mcp", modernCall(1, "big", ""), modernHeaders("big"))
	// A stuck client delays nobody: not its own session's other requests, and not other clients.
	for range 10 {
		resp, body := b.do("POST", "/mcp", legacyCall(2, "echo", "busy"), session)
		wantStatus(t, "echo", resp, body, 200, "busy")
	}
	b.wantLeft(false)
	b.wantLeft(false)
}

func TestStream_cutsADeafSSEClient(t *testing.T) {
	b := newBench(t, transportOptions{WriteTimeout: 300 * time.Millisecond}).serve()
	conn := b.deaf("GET", "/sse", "", nil)
	path := ""
	for buf := make([]byte, 1); !strings.HasSuffix(path, "\n\n"); { // byte by byte, up to the endpoint and no further
		if _, err := conn.Read(buf); err != nil {
			t.Fatal(err)
		}
		if path += string(buf); strings.HasSuffix(path, "\r\n\r\n") {
			path = ""
		}
	}
	_, path, _ = strings.Cut(path, "data: ")
	l := &listening{path: strings.TrimSpace(path)}
	b.post(l, legacyInit)
	b.post(l, legacyCall(1, "wait", ""))
	within(t, "wait", b.started)
	b.post(l, legacyCall(2, "big", ""))

	other := b.listenSSE()
	b.post(other, legacyCall(1, "echo", "busy"))
	other.want(t, "busy")

	b.wantLeft(false)
	within(t, "the tool's context", b.ended) // and what else the deaf client waits for ends with it
	b.wantLeft(false)
}

func TestStream_keepsIdleConnectionsAlive(t *testing.T) {
	b := newBench(t, transportOptions{KeepAlive: 10 * time.Millisecond}).serve()
	session := b.initialize()
	streams := map[string]*running{
		"GET /mcp": b.start("GET", "/mcp", "", session),
		"GET /sse": b.start("GET", "/sse", "", nil),
		"POST":     b.start("POST", "/mcp", legacyCall(1, "begin", ""), session),
		"modern":   b.start("POST", "/mcp", modernCall(1, "begin", ""), modernHeaders("begin")),
	}
	for name, stream := range streams {
		for range 3 {
			if line := stream.want(t, ":"); strings.HasPrefix(line, "data") && name != "GET /sse" {
				t.Errorf("%s: %q before the answer", name, line)
			}
			stream.want(t, ": ping")
		}
	}
	b.release <- struct{}{}
	b.release <- struct{}{}
	for _, name := range []string{"POST", "modern"} {
		streams[name].want(t, "begun")
		streams[name].wantEnd(t)
		b.wantLeft(true)
	}
}

func TestStream_tellsProxiesNotToBuffer(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	for _, path := range []string{"/mcp", "/sse"} {
		resp, err := b.client.Do(b.request(t.Context(), "GET", path, "", session))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("X-Accel-Buffering"); got != "no" {
			t.Errorf("GET %s: X-Accel-Buffering %q, want no", path, got)
		}
	}
}

func TestStream_leavesNoDeadlineBehind(t *testing.T) { // another handler's request on the connection would inherit it
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, transportOptions{})
		b.servePipe(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/other" {
					io.WriteString(w, "fine")
					return
				}
				next.ServeHTTP(w, r)
			})
		})
		resp, body := b.do("POST", "/mcp", modernCall(1, "report", ""), modernHeaders("report"))
		wantStatus(t, "report", resp, body, 200, "result")
		b.wantLeft(true)
		time.Sleep(b.opts.WriteTimeout + time.Second)
		resp, body = b.do("GET", "/other", "", nil)
		wantStatus(t, "GET /other", resp, body, 200, "fine")
		if n := b.dials.Load(); n != 1 {
			t.Errorf("%d connections, want the one to be used again", n)
		}
	})
}

func TestReadBody_doesNotWaitForASlowOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, transportOptions{}).servePipe()
		conn, err := b.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		began := time.Now()
		io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		answer, _ := io.ReadAll(conn)
		if took := time.Since(began); took > time.Minute || !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
			t.Errorf("half a body: %.100q after %v, want a 400 within a minute", answer, took)
		}
	})
}

func TestStream_errorAfterTheFirstBytesIsAnEvent(t *testing.T) { // the SDK would write bare JSON into the stream
	b := newBench(t, transportOptions{}).serve()
	b.release <- struct{}{}
	run := b.start("POST", "/mcp", modernCall(1, "begin and fail", ""), modernHeaders("begin and fail"))
	run.want(t, ": ok")
	run.want(t, "event: message")
	run.want(t, fmt.Sprintf(`data: {"jsonrpc":"2.0","id":1,"error":{"code":%d`, -32602))
}

// Over HTTP/2 a deadline that passes while nothing is written ends a stream:
// none may be left standing between two writes.
func TestStream_quietOverHTTP2(t *testing.T) {
	b := newBench(t, transportOptions{KeepAlive: 40 * time.Millisecond, WriteTimeout: 10 * time.Millisecond})
	server := httptest.NewUnstartedServer(b.handler())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	defer b.close()
	resp, err := server.Client().Get(server.URL + "/sse")
	if err != nil || resp.ProtoMajor != 2 {
		t.Fatalf("GET /sse = %v, %v, want HTTP/2", resp, err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for pings := 0; pings < 3; { // each comes four times as late as a write may take
		if !lines.Scan() {
			t.Fatalf("the stream ended after %d pings: %v", pings, lines.Err())
		}
		if lines.Text() == ": ping" {
			pings++
		}
	}
}

// One answer has a length, so that it leaves in one piece; a batch has as many
// answers as come.
func TestStream_oneAnswerHasItsLength(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	for _, accept := range []string{"application/json, text/event-stream", "application/json"} {
		h := maps.Clone(session)
		h["Accept"] = accept
		resp, body := b.do("POST", "/mcp", legacyCall(7, "echo", "line\u0085end"), h)
		wantStatus(t, accept, resp, body, 200, `"id":7`)
		if resp.ContentLength != int64(len(body)) || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: Content-Length %d of %d bytes, %s", accept, resp.ContentLength, len(body), resp.Header.Get("Content-Type"))
		}
	}
}

func TestAnswersFirst(t *testing.T) {
	for message, want := range map[string]bool{
		`{"jsonrpc":"2.0","id":12,"result":{"method":"x"}}`:      true,
		`{"jsonrpc":"2.0","id":12,"method":"sampling/x"}`:        false,
		`{"jsonrpc":"2.0","method":"notifications/x"}`:           false,
		`{"jsonrpc":"2.0","id":"a","result":{}}`:                 false, // is read in full
		`{"jsonrpc":"2.0","id":1,"error":{"code":1}}`:            false,
		`{"jsonrpc":"2.0","id":1`:                                false,
		`{"jsonrpc":"2.0","id":1,"method":"m","result":{"a":1}}`: false,
	} {
		if got := answersFirst([]byte(message)); got != want {
			t.Errorf("answersFirst(%s) = %v", message, got)
		}
	}
}
