package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// endTime is how long a process may take to end when it is told to, before it
// is killed.
const endTime = 5 * time.Second

// child makes a command line of this program, for a process of its own that
// ends with us and that nobody's settings and no Ctrl-C reach but through us.
// What it says on stderr is kept for the case that it goes wrong.
func child(args ...string) (*exec.Cmd, *tail) {
	cmd := exec.Command(executable(), args...)
	said := &tail{}
	cmd.Stderr = said
	cmd.SysProcAttr = childAttributes()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "AGENTBRIDGE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd, said
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

const tailBytes = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(p), nil
}

// last is the last line, without the program's name.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	return strings.TrimPrefix(lines[len(lines)-1], "agentbridge: ")
}

// ownServer is 'agentbridge serve' in a process of its own.
type ownServer struct {
	db, token, limits string
	streams           int // at a time, and sessions
	url               string
	port              int

	mu      sync.Mutex    // guards process
	process *exec.Cmd     // nil if none runs
	drained chan struct{} // closed when all it said has been read: only then may it be waited for
}

// start starts it and waits until it tells where it is. Port 0 takes a free one.
func (s *ownServer) start(ctx context.Context, port int) error {
	cmd, said := child("serve", "--port", strconv.Itoa(port), "--db", s.db, "--limits", s.limits, "--auth-token-file", s.token)
	most := strconv.Itoa(s.streams)
	cmd.Env = append(cmd.Env, "AGENTBRIDGE_MAX_SSE="+most, "AGENTBRIDGE_MAX_SSE_PER_CHANNEL="+most, "AGENTBRIDGE_MAX_SESSIONS="+most)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start agentbridge serve: %w", err)
	}
	s.adopt(cmd)
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() }) // one that says nothing must not keep us
	defer stop()
	if s.listen(out) {
		return nil
	}
	_ = s.kill()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("agentbridge serve ended before it said where it is: %s", said.last())
}

// adopt keeps a process that has been started, for whoever ends it.
func (s *ownServer) adopt(cmd *exec.Cmd) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process, s.drained = cmd, make(chan struct{})
}

// listen reads where the server is from what it says, and the rest until it
// ends, which closes drained. It returns false if it ended before it said so.
func (s *ownServer) listen(out io.Reader) bool {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 && fields[0] == "MCP" {
			s.url = strings.TrimSuffix(fields[1], "/mcp")
			s.port, _ = strconv.Atoi(s.url[strings.LastIndexByte(s.url, ':')+1:])
			go func() { defer close(s.drained); _, _ = io.Copy(io.Discard, out) }()
			return true
		}
	}
	close(s.drained)
	return false
}

// pid is the process to look at, 0 while none runs.
func (s *ownServer) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Process.Pid
}

// restart kills the server without warning, as a crash would, and starts it
// again where it was.
func (s *ownServer) restart(ctx context.Context) error {
	if err := s.kill(); err != nil {
		return err
	}
	return s.start(ctx, s.port)
}

// take hands the process to whoever ends it.
func (s *ownServer) take() (*exec.Cmd, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := s.process
	s.process = nil
	return cmd, s.drained
}

func (s *ownServer) kill() error {
	cmd, drained := s.take()
	if cmd == nil {
		return nil
	}
	_ = cmd.Process.Kill() // one that has ended already is as good
	<-drained
	_ = cmd.Wait() // it says that it was killed
	return nil
}

// stop ends the server as its operator would. It may be called twice.
func (s *ownServer) stop() error {
	cmd, drained := s.take()
	if cmd == nil {
		return nil
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		_ = cmd.Process.Kill() // on systems without SIGTERM, or it has ended
	}
	timer := time.AfterFunc(endTime, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	<-drained
	if err := cmd.Wait(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("our own agentbridge serve did not end cleanly: %w", err)
	}
	return nil
}
