package mcpserver

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelete_returnsWhileAToolRuns(t *testing.T) { // the SDK would wait for the tool
	for _, tool := range []string{"wait", "begin"} {
		b := newBench(t, transportOptions{}).serve()
		session := b.initialize()
		run := b.start("POST", "/mcp", legacyCall(1, tool, ""), session)
		get := b.start("GET", "/mcp", "", session)
		get.want(t, ": ok")
		within(t, tool, b.started)

		began := time.Now()
		resp, body := b.do("DELETE", "/mcp", "", session)
		wantStatus(t, "DELETE", resp, body, 204, "")
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("DELETE took %v", took)
		}
		b.wantEnded(errSessionEnded)
		b.wantLeft(false)
		run.wantEnd(t)
		get.wantEnd(t)
		resp, body = b.do("POST", "/mcp", legacyCall(2, "echo", ""), session)
		wantStatus(t, "call after DELETE", resp, body, 404, "Session not found")
	}
}

func TestDelete_returnsEvenIfAToolIgnoresIt(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	b.start("POST", "/mcp", legacyCall(1, "hold", ""), session)
	within(t, "hold", b.started)
	resp, body := b.do("DELETE", "/mcp", "", session)
	wantStatus(t, "DELETE", resp, body, 204, "")
	b.release <- struct{}{}
	b.wantLeft(false)
}

func TestSessions_endWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, transportOptions{KeepAlive: time.Hour}).servePipe()
		idle, listener, waiter, busy := b.initialize(), b.initialize(), b.initialize(), b.initialize()
		get := b.start("GET", "/mcp", "", listener) // the SDK's own timeout would take this one too
		get.want(t, ": ok")
		b.start("POST", "/mcp", legacyCall(1, "hold", ""), waiter)
		<-b.started
		sse := b.listenSSE()

		for range 4 {
			time.Sleep(10 * time.Minute)
			resp, body := b.do("POST", "/mcp", legacyCall(1, "echo", "here"), busy)
			wantStatus(t, "busy session", resp, body, 200, "here")
		}
		for name, c := range map[string]struct {
			session headers
			status  int
		}{"idle": {idle, 404}, "listener": {listener, 200}, "waiter": {waiter, 200}, "busy": {busy, 200}} {
			if resp, body := b.do("POST", "/mcp", legacyCall(2, "echo", "here"), c.session); resp.StatusCode != c.status {
				t.Errorf("%s after 40 minutes: status %d, want %d: %s", name, resp.StatusCode, c.status, body)
			}
		}
		b.post(sse, legacyCall(1, "echo", "still here"))
		sse.want(t, "still here")

		get.cancel()
		sse.running.cancel()
		b.release <- struct{}{}
		<-b.left
		time.Sleep(time.Hour)
		b.sessions.mu.Lock()
		defer b.sessions.mu.Unlock()
		if n := len(b.sessions.byID); n != 0 || b.sessions.open != 0 {
			t.Errorf("%d sessions, %d places taken after an hour, want none", n, b.sessions.open)
		}
		for range b.server.Sessions() {
			t.Error("the SDK still has a session")
		}
	})
}

func TestSessions_areLimited(t *testing.T) {
	b := newBench(t, transportOptions{MaxSessions: 2}).serve()
	session := b.initialize()
	sse := b.listenSSE()

	refused := func() {
		t.Helper()
		for _, path := range []string{"/mcp", "/sse"} {
			method, body := "POST", legacyInit
			if path == "/sse" {
				method, body = "GET", ""
			}
			resp, text := b.do(method, path, body, nil)
			wantStatus(t, "one too many on "+path, resp, text, 503, `{"error":"too many sessions`)
			if resp.Header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", path)
			}
		}
	}
	refused()
	resp, body := b.do("POST", "/mcp", legacyCall(1, "echo", "in"), session)
	wantStatus(t, "who is in works on", resp, body, 200, "in")
	resp, body = b.do("POST", "/mcp", modernCall(1, "echo", "free"), modernHeaders("echo"))
	wantStatus(t, "2026-07-28 has no sessions", resp, body, 200, "free")

	b.do("DELETE", "/mcp", "", session)
	session = b.initialize()
	refused()
	sse.running.cancel()
	for deadline := time.Now().Add(5 * time.Second); ; <-time.After(time.Millisecond) {
		if resp, _ := b.do("POST", "/mcp", legacyInit, nil); resp.StatusCode == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of a closed /sse stream is still taken after 5 s")
		}
	}
	// An initialize that fails gives its place back.
	b.do("DELETE", "/mcp", "", session)
	for range 3 {
		resp, body := b.do("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":7}`, nil)
		if resp.StatusCode == 503 {
			t.Fatalf("failing initialize: %s", body)
		}
	}
	b.initialize()
}

// A client that hangs up while it initializes must not keep a place: sessions that the SDK had closed did, and
// the counter went wrong.
func TestSessions_abortedInitializeLeavesNothing(t *testing.T) {
	const clients = 450 // three of four places: the others are for those who have names
	b := newBench(t, transportOptions{MaxSessions: 600}).serve()
	request := b.request(t.Context(), "POST", "/mcp", legacyInit, nil)
	var raw bytes.Buffer
	if err := request.Write(&raw); err != nil {
		t.Fatal(err)
	}
	var aborts sync.WaitGroup
	for i := range clients {
		aborts.Go(func() {
			conn, err := b.dial()
			if err != nil {
				t.Error(err)
				return
			}
			conn.(*net.TCPConn).SetLinger(i % 2) // half of them with a reset
			conn.Write(raw.Bytes())
			time.Sleep(time.Duration(i%40) * 50 * time.Microsecond) // to meet every step of the server's
			conn.Close()
		})
	}
	aborts.Wait()
	resp, body := b.do("POST", "/mcp", modernCall(1, "echo", "alive"), modernHeaders("echo"))
	wantStatus(t, "echo", resp, body, 200, "alive")

	// What is left are sessions whose clients may have read their id. They end when they are idle.
	tidy := func() string {
		b.mu.Lock()
		exchanges := len(b.exchanges)
		b.mu.Unlock()
		b.sessions.mu.Lock()
		byID := slices.Collect(maps.Values(b.sessions.byID))
		b.sessions.mu.Unlock()
		for _, sess := range byID {
			b.endIdle(sess)
		}
		b.sessions.mu.Lock()
		defer b.sessions.mu.Unlock()
		sdk := 0
		for range b.server.Sessions() {
			sdk++
		}
		if exchanges+len(b.sessions.byID)+b.sessions.open+sdk == 0 {
			return ""
		}
		return fmt.Sprintf("%d exchanges, %d sessions, %d places, %d sessions of the SDK", exchanges, len(b.sessions.byID), b.sessions.open, sdk)
	}
	// The kernel may hand over an aborted connection late, even now: then its session is tidied away too.
	fits := func() bool {
		for range clients {
			if resp, _ := b.do("POST", "/mcp", legacyInit, nil); resp.StatusCode != 200 {
				return false
			}
		}
		return true
	}
	left := tidy()
	for deadline := time.Now().Add(10 * time.Second); left != "" || !fits(); left = tidy() {
		if time.Now().After(deadline) {
			t.Fatalf("no room for %d sessions after 10 s: %s", clients, cmp.Or(left, "nothing is left"))
		}
		<-time.After(time.Millisecond)
	}
	resp, body = b.do("POST", "/mcp", legacyInit, nil)
	wantStatus(t, "one too many", resp, body, 503, "too many sessions")
}

// The client cannot choose the exchange that its calls belong to: a copied or made-up header is replaced.
func TestExchangeHeader_isOurs(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	forged := headers{exchangeHeader: "guess"}
	for k, v := range session {
		forged[k] = v
	}
	run := b.start("POST", "/mcp", legacyCall(1, "wait", ""), forged)
	within(t, "wait", b.started)
	run.cancel()
	b.wantEnded(context.Canceled)
	b.wantLeft(false)
}
