// This file is the workshop of the process tests: agentbridge as a program of
// its own, and agents that talk to it over its pipes and its port.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"agentbridge/bridgetest"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// program is a running agentbridge.
type program struct {
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string // of stdout; closed when it ends
	banner []string    // of serve
	stderr bytes.Buffer
	exited chan struct{}

	mu      sync.Mutex // guards the fields below, and writing to in
	pending map[int]chan json.RawMessage
	ended   bool
	answers int // lines read
	killAt  int // answers after which the program is killed; 0 for never
}

// command is a command line of this test binary as agentbridge, with nobody's
// settings in its environment.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AGENTBRIDGE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	// A program with the race detector sleeps for a second at its end.
	cmd.Env = append(cmd.Env, "AGENTBRIDGE_TEST_MAIN=1", "GORACE=atexit_sleep_ms=0")
	return cmd
}

func launch(t testing.TB, args ...string) *program {
	t.Helper()
	return launchCommand(t, command(t, args...))
}

func launchCommand(t testing.TB, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd, lines: make(chan string, 100), exited: make(chan struct{}), pending: map[int]chan json.RawMessage{}}
	cmd.Stderr = &p.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		for range p.lines { // nobody else does
		}
		<-p.exited
	})
	return p
}

// read takes stdout apart until the program ends. Answers go to whoever called,
// all other lines to p.lines.
func (p *program) read(out io.Reader) {
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		if !p.answer(scanner.Bytes()) {
			p.lines <- scanner.Text()
		}
	}
	p.mu.Lock()
	p.ended = true
	for _, waiting := range p.pending {
		close(waiting)
	}
	p.mu.Unlock()
	close(p.lines)
	p.cmd.Wait()
	close(p.exited)
}

func (p *program) answer(line []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var message struct{ ID int }
	if len(p.pending) == 0 || json.Unmarshal(line, &message) != nil || p.pending[message.ID] == nil {
		return false
	}
	p.pending[message.ID] <- bytes.Clone(line)
	delete(p.pending, message.ID)
	if p.answers++; p.answers == p.killAt {
		p.cmd.Process.Kill()
	}
	return true
}

// within receives from ch, or fails.
func within[T any](t testing.TB, limit time.Duration, what string, ch <-chan T) T {
	t.Helper()
	v, _ := within2(t, limit, what, ch)
	return v
}

// within2 is within that tells whether ch is still open.
func within2[T any](t testing.TB, limit time.Duration, what string, ch <-chan T) (v T, open bool) {
	t.Helper()
	select {
	case v, open = <-ch:
	case <-time.After(limit):
		t.Fatalf("%s: nothing after %v", what, limit)
	}
	return v, open
}

// wantExit waits for the end of the program, which comes within two seconds
// where the disk does not stall and long before what it waits for, and checks
// its exit code. Nothing may be written to stderr but what was
// refused.
func (p *program) wantExit(code int) {
	p.t.Helper()
	began := time.Now()
	within(p.t, 25*time.Second, "the end of "+strings.Join(p.cmd.Args[1:], " "), p.exited)
	p.t.Logf("%s ended after %v", p.cmd.Args[1], time.Since(began).Round(time.Millisecond))
	if got := p.cmd.ProcessState.ExitCode(); got != code || p.complaints() != "" {
		p.t.Errorf("%v ended with exit code %d, want %d, and wrote %q to stderr", p.cmd.Args[1:], got, code, &p.stderr)
	}
}

// complaints is what was written to stderr, less the log's lines about what
// clients did wrong.
func (p *program) complaints() string {
	var out strings.Builder
	for line := range strings.Lines(p.stderr.String()) {
		if !strings.Contains(line, `msg="request refused"`) && !strings.Contains(line, "msg=refused") && !strings.Contains(line, `msg="http: `) {
			out.WriteString(line)
		}
	}
	return out.String()
}

func (p *program) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) say(line string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.in, line+"\n")
	return err
}

var errEnded = errors.New("the program ended before it answered")

// request sends a request and returns the line that answers it.
func (p *program) request(method, params string) (json.RawMessage, error) {
	waiting := make(chan json.RawMessage, 1)
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return nil, errEnded
	}
	id := len(p.pending) + 1
	for p.pending[id] != nil {
		id++
	}
	p.pending[id] = waiting
	_, err := fmt.Fprintf(p.in, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", id, method, params)
	p.mu.Unlock()
	if err != nil {
		<-p.exited // what it said before counts
	}
	line, ok := <-waiting
	if !ok {
		return nil, errEnded
	}
	return line, nil
}

const initialize = `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}`

// args and data are the arguments of a call and its answer.
type (
	args = map[string]any
	data = map[string]any
)

// member is an agent, wherever its bridge runs. Its must ends the test.
type member struct {
	t    testing.TB
	call func(tool string, arguments args) (data, error)
}

func (m *member) must(tool string, arguments args) data {
	m.t.Helper()
	answer, err := m.call(tool, arguments)
	if err != nil {
		m.t.Fatalf("%s %v: %v", tool, arguments, err)
	}
	return answer
}

// member makes the agent whose client started this program.
func (p *program) member() *member {
	p.t.Helper()
	if _, err := p.request("initialize", initialize); err != nil {
		p.t.Fatalf("initialize: %v; stderr: %s", err, &p.stderr)
	}
	return &member{p.t, func(tool string, arguments args) (data, error) {
		params, err := json.Marshal(args{"name": tool, "arguments": arguments})
		if err != nil {
			return nil, err
		}
		line, err := p.request("tools/call", string(params))
		if err != nil {
			return nil, err
		}
		var response struct{ Result mcp.CallToolResult }
		if err := json.Unmarshal(line, &response); err != nil {
			return nil, fmt.Errorf("%.300q: %w", line, err)
		}
		return dataOf(&response.Result)
	}}
}

func dataOf(r *mcp.CallToolResult) (data, error) {
	if r.IsError {
		return nil, refused(textOf(r))
	}
	d, ok := r.StructuredContent.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("answer without data: %v", r)
	}
	return d, nil
}

// visit makes an agent that connects over HTTP.
func visit(t testing.TB, url string) *member {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).
		Connect(context.Background(), &mcp.StreamableClientTransport{Endpoint: url + "/mcp"}, nil)
	if err != nil {
		t.Fatalf("connect to %s: %v", url, err)
	}
	t.Cleanup(func() { session.Close() })
	return &member{t, func(tool string, arguments args) (data, error) {
		result, err := session.CallTool(context.Background(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
		if err != nil {
			return nil, err
		}
		return dataOf(result)
	}}
}

// home is a directory with a database that bridgetest opens too.
type home string

func newHome(t testing.TB) home { return home(t.TempDir()) }

func (h home) db() string { return filepath.Join(string(h), bridgetest.Database) }

func (h home) flags(more ...string) []string {
	return append(more, "--db", h.db(), "--key-file", filepath.Join(string(h), bridgetest.KeyFile), "--audit-key", filepath.Join(string(h), bridgetest.AuditKeyFile))
}

func (h home) stdio(t testing.TB, flags ...string) *program {
	t.Helper()
	return launch(t, h.flags(append([]string{"stdio"}, flags...)...)...)
}

// serve starts a server and returns where it is.
func (h home) serve(t testing.TB, flags ...string) (p *program, url string) {
	t.Helper()
	return h.serveIn(t, nil, flags...)
}

// serveIn is serve with more variables in the environment.
func (h home) serveIn(t testing.TB, environment []string, flags ...string) (p *program, url string) {
	t.Helper()
	cmd := command(t, h.flags(append([]string{"serve", "--port", "0"}, flags...)...)...)
	cmd.Env = append(cmd.Env, environment...)
	p = launchCommand(t, cmd)
	return p, p.address()
}

// address waits until a server says where it is, and keeps its banner.
func (p *program) address() (url string) {
	p.t.Helper()
	for {
		line, more := within2(p.t, 10*time.Second, "the server's banner", p.lines)
		if !more {
			<-p.exited
			p.t.Fatalf("serve ended: %s", &p.stderr)
		}
		p.banner = append(p.banner, line)
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "MCP" {
			url = strings.TrimSuffix(fields[1], "/mcp")
		}
		if strings.HasPrefix(line, "Other clients:") { // its last line
			break
		}
	}
	go func() {
		for range p.lines {
		}
	}()
	return url
}

// with returns arguments and some more.
func with(a, more args) args {
	out := args{}
	for _, from := range []args{a, more} {
		for k, v := range from {
			out[k] = v
		}
	}
	return out
}

// column returns one key of each object in a list of an answer.
func column(d data, list, key string) (values []string) {
	items, _ := d[list].([]any)
	for _, item := range items {
		values = append(values, fmt.Sprint(item.(map[string]any)[key]))
	}
	return values
}

// post is a request to /mcp as clients of 2025-11-25 send it.
func post(url, session, body string) *http.Request {
	r, err := http.NewRequest("POST", url+"/mcp", strings.NewReader(body))
	if err != nil {
		panic(err) // a URL that a server gave
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	}
	return r
}
