package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a client may have open when the bridge is told to end.
const waiting = `{"name":"bridge_wait","arguments":{"channel":"c","consumer_id":"c","timeout_seconds":55}}`

// busy starts a bridge for one client, with waits under way.
func busy(t *testing.T) *program {
	t.Helper()
	p := newHome(t).stdio(t)
	m := p.member()
	for range 5 {
		go p.request("tools/call", waiting)
	}
	for range 5 {
		m.must("bridge_ping", args{})
	}
	return p
}

func TestProcess_stdioEndsOnSIGTERM(t *testing.T) {
	p := busy(t)
	p.terminate()
	p.wantExit(exitOK)
}

func TestProcess_stdioEndsWithItsInput(t *testing.T) {
	p := busy(t)
	p.in.Close()
	p.wantExit(exitOK)
}

// A client that has stopped reading in the middle of an answer delays nothing,
// and the message in that answer comes back at once.
func TestProcess_stdioEndsWithAStuckClient(t *testing.T) {
	for name, end := range map[string]func(p *program){
		"SIGTERM": (*program).terminate,
		"EOF":     func(p *program) { p.in.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			m := h.stdio(t).member()
			made := m.must("create_conversation", args{"my_role": "backend_developer", "partner_role": "frontend_developer"})
			id := args{"conversation_id": made["conversation_id"]}
			b := with(id, args{"session_id": "b", "token": made["session_b_token"]})
			message := strings.Repeat("ä", 50_000) // 100 KB: more than a pipe holds
			m.must("send_to_partner", with(id, args{"session_id": "a", "token": made["session_a_token"], "message": message}))

			p, out := h.unread(t)
			params, err := json.Marshal(args{"name": "check_messages", "arguments": b})
			if err != nil {
				t.Fatal(err)
			}
			p.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":` + initialize + `}`)
			if line, err := out.ReadString('\n'); err != nil || !strings.Contains(line, `"id":0`) {
				t.Fatalf("initialize: %q, %v", line, err)
			}
			p.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + string(params) + `}`)
			if _, err := out.ReadByte(); err != nil { // the answer is being written
				t.Fatal(err)
			}
			end(p)
			p.wantExit(exitOK)
			wantColumn(t, "check_messages", m.must("check_messages", b), "messages", "message", message)
		})
	}
}

// unread is stdio for a client that reads what the test reads, and no more.
func (h home) unread(t *testing.T) (*program, *bufio.Reader) {
	t.Helper()
	p := &program{t: t, cmd: command(t, h.flags("stdio")...), exited: make(chan struct{})}
	p.cmd.Stderr = &p.stderr
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout = stdout
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdout.Close()
	go func() {
		defer close(p.exited)
		p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.exited
		out.Close()
	})
	return p, bufio.NewReaderSize(out, 16)
}

// Clients read stdout as JSON-RPC and nothing else: a line of anything else,
// whatever was said to the bridge, breaks the session.
func TestProcess_stdioSaysNothingElse(t *testing.T) {
	p := newHome(t).stdio(t)
	for _, line := range []string{
		"", "   ", "hello", "{", "[]", "null", "\x00\x01\xff", strings.Repeat("[", 100_000), strings.Repeat("x", 5<<20),
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":` + initialize + `}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":2,"method":"no/such/method"}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"no_such_tool"}}`,
		`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"bridge_send","arguments":{"channel":1}}}`,
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"bridge_send","arguments":{"channel":"c","sender":"s","content":"{\"id\":1}\n{}"}}}`,
		`{"jsonrpc":"2.0","id":6,"method":"tools/list"}`,
		`{"jsonrpc":"2.0","id":77,"result":{}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}`,
		`{"jsonrpc":"2.0","id":"last","method":"ping"}`,
	} {
		if err := p.say(line); err != nil {
			t.Fatal(err)
		}
	}
	heard := 0
	for last := ""; !strings.Contains(last, `"id":"last"`); heard++ {
		last = within(t, 10*time.Second, "a line", p.lines)
		var message struct{ JSONRPC string }
		if err := json.Unmarshal([]byte(last), &message); err != nil || message.JSONRPC != "2.0" {
			t.Fatalf("stdout: %.200q, want a JSON-RPC message", last)
		}
	}
	p.in.Close()
	for line := range p.lines {
		if !strings.HasPrefix(line, `{"jsonrpc":"2.0"`) {
			t.Errorf("stdout: %.200q, want a JSON-RPC message", line)
		}
	}
	p.wantExit(exitOK)
	t.Logf("%d messages", heard)
}

// opened is a response whose body is still coming.
func opened(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != 200 {
		t.Fatalf("%s %s: status %d", r.Method, r.URL, response.StatusCode)
	}
	return response
}

func get(t *testing.T, url, session string) *http.Response {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
	}
	return opened(t, r)
}

func TestProcess_serveEndsOnSIGTERM(t *testing.T) {
	p, url := newHome(t).serve(t)
	response := opened(t, post(url, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":`+initialize+`}`))
	io.Copy(io.Discard, response.Body)
	session := response.Header.Get("Mcp-Session-Id")

	streams := []*http.Response{get(t, url+"/mcp", session), get(t, url+"/sse", ""), get(t, url+"/events/channel/c", ""), get(t, url+"/api/events", "")}
	endpoint := bufio.NewReader(streams[1].Body)
	endpoint.ReadString('\n')
	waits := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(post(url, session, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":`+waiting+`}`))
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		waits <- err
	}()
	idle, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")) // never says anything
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	visit(t, url).must("bridge_ping", args{})

	p.terminate()
	p.wantExit(exitOK)
	for _, stream := range streams {
		io.Copy(io.Discard, stream.Body) // it ends
	}
	within(t, 5*time.Second, "the end of the wait", waits)
}

// Who waits at /api/wait is told that the bridge ends. A request that comes
// while it ends is cut, so that of many at least one must be told.
func TestProcess_serveEndsWaits(t *testing.T) {
	p, url := newHome(t).serve(t)
	answers := make(chan string, 20)
	var asked sync.WaitGroup
	asked.Add(cap(answers))
	for range cap(answers) {
		done := sync.OnceFunc(asked.Done)
		trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { done() }}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", url+"/api/wait?channel=c&consumer_id=c&timeout_seconds=55", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			answers <- fmt.Sprintln(response.StatusCode, string(body), err)
		}()
	}
	asked.Wait()
	visit(t, url).must("bridge_ping", args{})
	p.terminate()
	if took := elapsed(func() { within(t, 10*time.Second, "the end", p.exited) }); took > 2*time.Second || p.cmd.ProcessState.ExitCode() != exitOK {
		t.Errorf("ended after %v with exit code %d, want 0 within 2 s", took, p.cmd.ProcessState.ExitCode())
	}
	told := 0
	for range cap(answers) {
		switch got := within(t, 5*time.Second, "an answer", answers); {
		case strings.HasPrefix(got, "503 ") && strings.Contains(got, "shutting down"):
			told++
		case !strings.Contains(got, "EOF") && !strings.Contains(got, "reset"):
			t.Errorf("a wait ended with %q, want 503 and why", got)
		}
	}
	if told == 0 {
		t.Error("no wait was told that the bridge ends")
	}
}

func elapsed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// A second signal is not needed even if a client has stopped reading.
func TestProcess_serveEndsWithAStuckClient(t *testing.T) {
	h := newHome(t)
	p, url := h.serve(t)
	h.stick(t, url)
	p.terminate()
	p.wantExit(exitOK)
}

// stick makes clients that ask for much and read nothing.
func (h home) stick(t *testing.T, url string) {
	t.Helper()
	m := visit(t, url)
	for range 6 {
		m.must("bridge_send", args{"channel": "large", "sender": "s", "content": strings.Repeat(`"`, 131_072)})
	}
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bridge_receive","arguments":{"channel":"large","limit":1}}}`
	response := opened(t, post(url, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":`+initialize+`}`))
	io.Copy(io.Discard, response.Body)
	session := response.Header.Get("Mcp-Session-Id")

	deaf := func(r *http.Request) net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		if err := r.Write(conn); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for range 5 {
		begun := bufio.NewReaderSize(deaf(post(url, session, call)), 16)
		begun.ReadByte() // the answer is being written
	}
	r, err := http.NewRequest("GET", url+"/sse", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream := bufio.NewReaderSize(deaf(r), 16)
	endpoint := ""
	for !strings.HasPrefix(endpoint, "data: ") {
		if endpoint, err = stream.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range []string{`{"jsonrpc":"2.0","id":0,"method":"initialize","params":` + initialize + `}`, call, call, call} {
		response, err := http.Post(url+strings.TrimSpace(strings.TrimPrefix(endpoint, "data: ")), "application/json", strings.NewReader(body))
		if err != nil || response.StatusCode != 202 {
			t.Fatalf("POST %s: %v, %v", endpoint, response, err)
		}
		response.Body.Close()
	}
}

// One client opens streams, asks for much and reads nothing. It is cut after
// ten seconds; nobody else may notice before that.
func TestProcess_aStuckClientDelaysNobody(t *testing.T) {
	h := newHome(t)
	_, url := h.serve(t)
	h.stick(t, url)
	agents := map[string]*member{"another client": visit(t, url), "another process": h.stdio(t).member()}
	for who, m := range agents {
		var slowest time.Duration
		for range 50 {
			began := time.Now()
			sent := m.must("bridge_send", args{"channel": "c", "sender": "s", "content": "x"})
			m.must("bridge_wait", args{"channel": "c", "consumer_id": "c", "limit": 1})
			m.must("bridge_ack", args{"channel": "c", "consumer_id": "c", "message_id": sent["id"]})
			slowest = max(slowest, time.Since(began))
		}
		t.Logf("%s: send, wait and ack took %v at most", who, slowest)
		if slowest > 2*time.Second {
			t.Errorf("%s: send, wait and ack took %v beside a stuck client, want no delay", who, slowest)
		}
	}
}
