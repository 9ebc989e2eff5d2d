package boundary_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge/internal/boundary"
)

// limited is a server that holds so many connections. /stream goes on until its client leaves.
type limited struct {
	*httptest.Server
	idle chan struct{} // a request has been answered and its connection is idle again
}

func newLimited(t *testing.T, max int, secure bool) *limited {
	idle := make(chan struct{}, 1000)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "event")
		if r.URL.Path == "/stream" {
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // handshakes that are cut short
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateIdle {
			idle <- struct{}{}
		}
	}
	boundary.LimitIdle(server.Config, max)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return &limited{server, idle}
}

func (s *limited) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// serves sends a request and waits for the first line of the answer's body, and for the end unless it is a stream.
func (s *limited) serves(t *testing.T, conn net.Conn, path string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || line != "event\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if path != "/stream" {
		<-s.idle
	}
}

// wantClosed waits until the server has closed a connection.
func wantClosed(t *testing.T, conn net.Conn, what string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := io.Copy(io.Discard, conn)
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		t.Errorf("%s is still open", what)
	}
}

func TestLimitIdle_attack(t *testing.T) {
	const max = 20
	server := newLimited(t, max, false)
	stream := server.dial(t)
	server.serves(t, stream, "/stream")

	var idle []net.Conn
	for range 300 { // somebody who connects and says nothing
		idle = append(idle, server.dial(t))
	}
	late := server.dial(t)
	server.serves(t, late, "/") // nobody is kept out
	for i, conn := range idle[:300-(max-2)] {
		wantClosed(t, conn, fmt.Sprint("idle connection ", i))
	}
	server.serves(t, idle[299], "/") // no more are closed than have to be
	server.serves(t, idle[300-(max-2)], "/")
	server.serves(t, late, "/")

	stream.SetReadDeadline(time.Now())
	if _, err := stream.Read(make([]byte, 1)); err == nil || !err.(net.Error).Timeout() {
		t.Errorf("the stream: %v, want it to be open", err)
	}
}

// Half a request holds its place no longer than none.
func TestLimitIdle_halfBodies(t *testing.T) {
	for name, o := range map[string]boundary.Options{"open": {}, "with a token": {Token: token}} {
		server := httptest.NewUnstartedServer(boundary.New(o).Wrap(http.HandlerFunc(reached)))
		boundary.LimitIdle(server.Config, 20)
		server.Start()
		t.Cleanup(server.Close)
		for range 300 {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			fmt.Fprint(conn, "POST /api/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
		}
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/state", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: got %d, want 200", name, resp.StatusCode)
		}
	}
}

// Nor does a refusal that nobody reads: here each byte has to be taken.
func TestLimitIdle_unreadRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(t, boundary.New(boundary.Options{Token: token}).Wrap(http.HandlerFunc(reached)),
			func(s *http.Server) { boundary.LimitIdle(s, 3) })
		for range 10 {
			p.dial("GET /api/state HTTP/1.1\r\nHost: localhost\r\n\r\n")
			synctest.Wait() // it is being answered
		}
		_, r := p.dial("GET /api/state" + slowHead + "\r\n")
		if status, body := p.answer(r); status != 200 {
			t.Errorf("got %d %s, want 200", status, body)
		}
	})
}

// The longest idle goes: one that was used a moment ago stays.
func TestLimitIdle_order(t *testing.T) {
	server := newLimited(t, 3, false)
	a, b, c := server.dial(t), server.dial(t), server.dial(t)
	server.serves(t, a, "/")
	server.serves(t, b, "/")
	server.serves(t, c, "/")
	server.serves(t, a, "/")
	d := server.dial(t)
	wantClosed(t, b, "the longest idle")
	server.serves(t, d, "/")
	server.serves(t, c, "/")
	server.serves(t, a, "/")
}

// With all others at work the new one goes.
func TestLimitIdle_allAtWork(t *testing.T) {
	server := newLimited(t, 2, false)
	a, b := server.dial(t), server.dial(t)
	server.serves(t, a, "/stream")
	server.serves(t, b, "/stream")
	wantClosed(t, server.dial(t), "a third")
	a.Close()
	for { // until the server has noticed
		conn := server.dial(t)
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			resp.Body.Close()
			return
		}
	}
}

func TestLimitIdle_TLS(t *testing.T) {
	server := newLimited(t, 5, true)
	first := server.dial(t) // never says hello
	for range 50 {
		server.dial(t)
	}
	wantClosed(t, first, "the first")
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestLimitIdle_keepsConnState(t *testing.T) {
	var seen atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(reached))
	server.Config.ConnState = func(net.Conn, http.ConnState) { seen.Add(1) }
	boundary.LimitIdle(server.Config, 5)
	server.Start()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	server.Close()
	if n := seen.Load(); n < 3 {
		t.Errorf("the earlier ConnState was called %d times, want new, active and more", n)
	}
}

func TestMaxConnections(t *testing.T) {
	if n := boundary.MaxConnections(); n < 100 || n > 10_000 {
		t.Errorf("got %d, want 100 to 10,000", n)
	}
}

// A connection that we close may be about to send a request. It counts no more, whatever it reports.
func TestLimitIdle_lastWords(t *testing.T) {
	var server http.Server
	boundary.LimitIdle(&server, 1)
	a, b := &fakeConn{}, &fakeConn{}
	server.ConnState(a, http.StateNew)
	server.ConnState(b, http.StateNew)
	server.ConnState(a, http.StateActive)
	server.ConnState(a, http.StateIdle)
	server.ConnState(a, http.StateClosed)
	server.ConnState(b, http.StateActive)
	server.ConnState(b, http.StateIdle)
	if !a.closed || b.closed {
		t.Errorf("closed: %t, %t, want only the first", a.closed, b.closed)
	}
}

type fakeConn struct {
	net.Conn
	closed bool
}

func (c *fakeConn) Close() error { c.closed = true; return nil }
