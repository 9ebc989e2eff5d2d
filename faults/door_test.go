package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// This file is the doors at which tools are called, as simple as clients can be:
// nothing in them tries anything again.

const opening = `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"faults","version":"1"}}`

// encode is for values that always can be JSON.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func rpc(id int, method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, id, method, params)
}

// overMCP is an agent at /mcp with a session, as clients of 2025-11-25 have one.
// It opens another one when its session is gone, as after a restart.
func overMCP(t testing.TB, url string) tools {
	t.Helper()
	p := &poster{url: url + "/mcp", http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
	t.Cleanup(p.http.CloseIdleConnections)
	return tools{call: p.call, end: p.http.CloseIdleConnections}
}

type poster struct {
	url  string
	http *http.Client

	last atomic.Int64 // id of a request: those under way differ

	mu      sync.Mutex // guards session
	session string
}

var errSession = errors.New("the session is gone")

func (p *poster) call(ctx context.Context, tool string, arguments args) (data, error) {
	p.mu.Lock()
	session := p.session
	p.mu.Unlock()
	if session == "" {
		var err error
		if session, err = p.open(ctx); err != nil {
			return nil, err
		}
	}
	line, _, err := p.post(ctx, session, rpc(int(p.last.Add(1)), "tools/call", encode(args{"name": tool, "arguments": arguments})))
	if errors.Is(err, errSession) {
		p.keep("")
	}
	if err != nil {
		return nil, err
	}
	return answered(line)
}

func (p *poster) keep(session string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = session
}

// open begins a session.
func (p *poster) open(ctx context.Context) (session string, err error) {
	if _, session, err = p.post(ctx, "", rpc(0, "initialize", opening)); err != nil {
		return "", err
	}
	if session == "" {
		return "", refusal("initialize gave no session")
	}
	p.keep(session)
	return session, nil
}

// post makes a request and returns the JSON-RPC message that answers it.
func (p *poster) post(ctx context.Context, session, body string) (line []byte, opened string, err error) {
	r, err := http.NewRequestWithContext(ctx, "POST", p.url, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	head(r.Header, session)
	resp, err := p.http.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, "", err
	case resp.StatusCode == http.StatusNotFound && session != "":
		return nil, "", errSession
	case resp.StatusCode == http.StatusServiceUnavailable:
		return nil, "", fmt.Errorf("status %d: %.300q", resp.StatusCode, raw)
	case resp.StatusCode != http.StatusOK:
		return nil, "", refusal(fmt.Sprintf("status %d: %.300q", resp.StatusCode, raw))
	}
	line, err = responseIn(raw)
	return line, resp.Header.Get("Mcp-Session-Id"), err
}

// head fills in what a request to /mcp says of itself.
func head(h http.Header, session string) {
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		h.Set("Mcp-Session-Id", session)
		h.Set("Mcp-Protocol-Version", "2025-11-25")
	}
}

// responseIn finds the response in a body, which is JSON or an event stream. A
// stream that ends without one was cut.
func responseIn(body []byte) ([]byte, error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return body, nil
	}
	for line := range bytes.Lines(body) {
		if text, ok := bytes.CutPrefix(line, []byte("data: ")); ok && bytes.Contains(text, []byte(`"id":`)) && bytes.HasSuffix(text, []byte("\n")) {
			return text, nil
		}
	}
	return nil, io.ErrUnexpectedEOF
}

// pipes is an agent whose bridge is a process of its own, agentbridge stdio.
type pipes struct {
	home  *home
	flags []string
	tools

	mu  sync.Mutex // guards now
	now *pipe
}

// stdio starts a process and an agent that calls its tools. After its end the
// agent's calls fail until the process is started again.
func (h *home) stdio(flags ...string) *pipes {
	h.t.Helper()
	p := &pipes{home: h, flags: h.flags(append([]string{"stdio", "--limits", "off"}, flags...)...)}
	p.tools = tools{call: func(ctx context.Context, tool string, arguments args) (data, error) {
		return p.current().callTool(ctx, tool, arguments)
	}, end: func() { p.current().stop() }}
	p.again()
	return p
}

// again starts the process anew.
func (p *pipes) again() {
	p.home.t.Helper()
	next := &pipe{pending: map[int]chan []byte{}}
	next.program = p.home.launch(p.flags, nil, next.answer)
	go func() { // it ends with the program, which ends with the test
		<-next.exited
		next.hangUp()
	}()
	if _, err := next.request(p.home.t.Context(), "initialize", opening); err != nil {
		p.home.t.Fatalf("initialize: %v; stderr: %s", err, next.said())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = next
}

func (p *pipes) current() *pipe {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// kill ends the process as a power cut would.
func (p *pipes) kill() { p.current().kill() }

// pipe is one process of an agent.
type pipe struct {
	*program

	writing sync.Mutex // apart from mu: while a write waits for the process, its answers are heard

	mu      sync.Mutex // guards the fields below
	pending map[int]chan []byte
	last    int
	over    bool
}

var errOver = errors.New("the process ended before it answered")

// answer gives a line of stdout to whoever waits for it.
func (p *pipe) answer(line []byte) {
	var m struct{ ID *int }
	if json.Unmarshal(line, &m) != nil || m.ID == nil {
		return // a notification
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if waiting := p.pending[*m.ID]; waiting != nil {
		waiting <- line
		delete(p.pending, *m.ID)
	}
}

// hangUp tells all who wait that nothing comes any more.
func (p *pipe) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	for _, waiting := range p.pending {
		close(waiting)
	}
	p.pending = nil
}

func (p *pipe) request(ctx context.Context, method, params string) ([]byte, error) {
	waiting := make(chan []byte, 1)
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return nil, errOver
	}
	p.last++
	id := p.last
	p.pending[id] = waiting
	p.mu.Unlock()
	p.say(rpc(id, method, params) + "\n")
	select {
	case line, ok := <-waiting:
		if !ok {
			return nil, errOver
		}
		return line, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// say writes to the process. If that can't be done, it has ended.
func (p *pipe) say(text string) {
	p.writing.Lock()
	defer p.writing.Unlock()
	_, _ = io.WriteString(p.in, text)
}

func (p *pipe) callTool(ctx context.Context, tool string, arguments args) (data, error) {
	line, err := p.request(ctx, "tools/call", encode(args{"name": tool, "arguments": arguments}))
	if err != nil {
		return nil, err
	}
	return answered(line)
}
