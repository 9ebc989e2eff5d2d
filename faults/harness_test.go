package faults

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"agentbridge/bridgetest"
)

// rounds is how often a fault strikes: n in a plain go test, which shows that
// the test works, and AGENTBRIDGE_ROUNDS where it is meant to find something. A
// program with the race detector is ten times as slow, and is struck once.
func rounds(t testing.TB, n int) int {
	t.Helper()
	text := os.Getenv("AGENTBRIDGE_ROUNDS")
	switch {
	case text == "" && raceEnabled:
		return 1
	case text == "":
		return n
	}
	given, err := strconv.Atoi(text)
	if err != nil || given < 1 {
		t.Fatalf("AGENTBRIDGE_ROUNDS is %q; set it to a number from 1", text)
	}
	return given
}

// chance returns random numbers that are the same in each run. What they meet
// in the other process is not.
func chance() *rand.Rand { return rand.New(rand.NewPCG(6, 28)) }

// moment waits for less than limit, so that what follows strikes anywhere in
// what is going on: right after an answer, everything is on disk.
func moment(r *rand.Rand, limit time.Duration) { <-time.After(time.Duration(r.Int64N(int64(limit)))) }

// pause waits a little before another try, and tells whether there is to be one.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(5 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// group runs functions until stop is called, which waits for them. The test
// calls it at its end at the latest.
func group(t testing.TB) (run func(func(context.Context)), stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var members sync.WaitGroup
	stop = func() {
		cancel()
		members.Wait()
	}
	t.Cleanup(stop)
	return func(f func(context.Context)) { members.Go(func() { f(ctx) }) }, stop
}

// home is a directory with a database that bridgetest opens too, and all that
// runs on it.
type home struct {
	t       testing.TB
	dir     string
	outside string // a file with checkpoints of the audit log, elsewhere

	mu      sync.Mutex // guards running
	running []*program
}

func newHome(t testing.TB) *home {
	t.Helper()
	return newHomeIn(t, t.TempDir())
}

// newHomeIn is a home in a directory of the test's choice.
func newHomeIn(t testing.TB, dir string) *home {
	t.Helper()
	return &home{t: t, dir: dir, outside: filepath.Join(t.TempDir(), "checkpoints")}
}

func (h *home) db() string { return filepath.Join(h.dir, bridgetest.Database) }

// flags adds to a command line where the database is.
func (h *home) flags(args ...string) []string {
	return append(args, "--db", h.db(), "--key-file", filepath.Join(h.dir, bridgetest.KeyFile), "--audit-key", filepath.Join(h.dir, bridgetest.AuditKeyFile))
}

// launch starts a command that runs on this home.
func (h *home) launch(args []string, environment []string, line func([]byte)) *program {
	h.t.Helper()
	cmd := command(args...)
	cmd.Env = append(cmd.Env, environment...)
	p := launch(h.t, cmd, line)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = append(h.running, p)
	return p
}

// stopAll ends all that runs on this home, as an operator does.
func (h *home) stopAll() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.running {
		p.stop()
	}
	h.running = nil
}

// run runs a command of the operator's to its end.
func (h *home) run(args ...string) (code int, stdout, stderr string) {
	h.t.Helper()
	var out bytes.Buffer
	p := launch(h.t, command(h.flags(args...)...), func(line []byte) { fmt.Fprintf(&out, "%s\n", line) })
	_ = p.in.Close() // it reads nothing
	code = p.wait()
	return code, out.String(), p.said()
}

// audit checks the audit log with the command that operators have for it,
// against all checkpoints that were taken outside so far, and then takes another one.
// What runs may go on meanwhile.
func (h *home) audit() {
	h.t.Helper()
	if _, err := os.Stat(h.outside); err == nil {
		verify := []string{"audit", "verify", "--checkpoint", h.outside}
		if _, err := os.Stat(h.db() + ".checkpoints"); err == nil { // which the bridge keeps beside the database
			verify = append(verify, "--checkpoint", h.db()+".checkpoints")
		}
		if code, out, prose := h.run(verify...); code != 0 {
			h.t.Errorf("agentbridge audit verify ended with exit code %d, want 0\n%s%s", code, out, prose)
		}
	}
	code, note, prose := h.run("audit", "head")
	if strings.Contains(prose, "no entries yet") {
		return
	}
	if code != 0 {
		h.t.Errorf("agentbridge audit head ended with exit code %d, want 0\n%s", code, prose)
		return
	}
	f, err := os.OpenFile(h.outside, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(note); err != nil {
		h.t.Fatal(err)
	}
}

// server is agentbridge serve. It is at the same address each time it is
// started again.
type server struct {
	*program
	home        *home
	url         string
	flags       []string
	environment []string
}

// serve starts a server without limits, since senders of tests don't think, and waits until it
// listens.
func (h *home) serve(flags ...string) *server {
	h.t.Helper()
	return h.serveIn(nil, flags...)
}

// serveIn is serve with more variables in the environment.
func (h *home) serveIn(environment []string, flags ...string) *server {
	h.t.Helper()
	args := append([]string{"serve", "--port", freePort(h.t), "--limits", "off"}, flags...)
	s := &server{home: h, flags: h.flags(args...), environment: environment}
	s.again()
	return s
}

// again starts a server that has ended.
func (s *server) again() {
	s.home.t.Helper()
	at := make(chan string, 1)
	s.program = s.home.launch(s.flags, s.environment, func(line []byte) {
		if f := strings.Fields(string(line)); len(f) == 2 && f[0] == "MCP" {
			at <- strings.TrimSuffix(f[1], "/mcp")
		}
	})
	select {
	case s.url = <-at:
	case <-s.exited:
		s.t.Fatalf("agentbridge serve ended: %s", s.said())
	case <-time.After(hang):
		s.t.Fatalf("agentbridge serve said nothing within %v", hang)
	}
}

// stillborn starts a server that has ended and kills it somewhere on its way up.
func (s *server) stillborn(r *rand.Rand) {
	s.home.t.Helper()
	p := s.home.launch(s.flags, s.environment, func([]byte) {})
	moment(r, 40*time.Millisecond)
	p.kill()
}

// host is where it listens, as host:port.
func (s *server) host() string { return strings.TrimPrefix(s.url, "http://") }

// freePort is a port below those that systems give to connections, so that
// nobody's connection takes it while a server is away.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(12_000))
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			_ = l.Close() // it was free, and is again
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}
