package faults

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// hang is how long anything may take that comes by itself. It is no
// measurement: what takes longer has stopped.
const hang = 30 * time.Second

// program is a running agentbridge. It ends with its test at the latest, and a
// test in which one panicked or raced has failed.
type program struct {
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	exited chan struct{} // closed when it has ended and all it said was read

	mu     sync.Mutex // guards stderr
	stderr bytes.Buffer
}

// command is a command line of the program, with nobody's settings in its
// environment.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AGENTBRIDGE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	// A program with the race detector sleeps for a second at its end.
	cmd.Env = append(cmd.Env, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// launch starts a command. line is given each line of its stdout, in the
// program's own goroutine; without it stdout goes where the command says.
func launch(t testing.TB, cmd *exec.Cmd, line func([]byte)) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd, exited: make(chan struct{})}
	cmd.Stderr = p
	var out io.Reader
	var err error
	if line != nil {
		if out, err = cmd.StdoutPipe(); err != nil {
			t.Fatal(err)
		}
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		if line != nil {
			eachLine(out, line)
		}
		_ = p.cmd.Wait() // its state says how it ended
	}()
	t.Cleanup(p.bury)
	return p
}

// eachLine reads lines of any length to the end.
func eachLine(r io.Reader, line func([]byte)) {
	for in := bufio.NewReaderSize(r, 64<<10); ; {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return // what has no end was cut off
		}
		line(bytes.TrimSuffix(text, []byte("\n")))
	}
}

// Write takes what the program writes to stderr.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

// said is what it has written to stderr so far.
func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// bury ends what still runs and looks at how it lived.
func (p *program) bury() {
	p.kill()
	for _, sign := range []string{"DATA RACE", "panic: ", "fatal error: ", "goroutine 1 ["} {
		if strings.Contains(p.said(), sign) {
			p.t.Errorf("agentbridge %v broke down", p.cmd.Args[1:])
		}
	}
	if said := p.said(); p.t.Failed() && said != "" {
		p.t.Logf("agentbridge %v said on stderr: %s", p.cmd.Args[1:], said)
	}
}

// kill ends it as a power cut would, and waits for its end. It does no harm to
// one that has ended.
func (p *program) kill() {
	p.t.Helper()
	_ = p.cmd.Process.Kill() // an error says that it has ended
	p.wait()
}

// stop ends it as an operator does, and waits for its end.
func (p *program) stop() {
	p.t.Helper()
	if p.ended() {
		return
	}
	if p.cmd.Process.Signal(syscall.SIGTERM) != nil { // where there are no signals
		_ = p.cmd.Process.Kill()
	}
	p.wait()
}

// wait waits for its end and returns its exit code, -1 if it was killed.
func (p *program) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(hang):
		p.t.Errorf("agentbridge %v did not end within %v", p.cmd.Args[1:], hang)
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
	return p.cmd.ProcessState.ExitCode()
}

// ended tells whether it has ended.
func (p *program) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// pid is its process, for as long as it runs.
func (p *program) pid() int { return p.cmd.Process.Pid }
