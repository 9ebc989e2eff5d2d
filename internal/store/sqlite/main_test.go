//go:build unix

package sqlite_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// long asks for the durations of the acceptance tests.
var long = os.Getenv("AGENTBRIDGE_LONG") == "1"

// TestMain makes the test binary the other processes of a test as well.
func TestMain(m *testing.M) {
	name := os.Getenv(childVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := children()[name](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

const childVariable = "AGENTBRIDGE_TEST_CHILD"

// child is another process of a test. The two talk in lines.
type child struct {
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr bytes.Buffer
}

func spawn(t testing.TB, name string, args ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return (&child{t: t, cmd: exec.Command(exe, args...)}).start(name)
}

func (c *child) start(name string) *child {
	c.t.Helper()
	c.cmd.Env = append(os.Environ(), childVariable+"="+name)
	c.cmd.Stderr = &c.stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		c.t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		c.t.Fatalf("start %s: %v", name, err)
	}
	c.t.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait()
		}
	})
	return c
}

// line is the next line that the child says.
func (c *child) line() string {
	c.t.Helper()
	if !c.out.Scan() {
		err := c.cmd.Wait()
		c.t.Fatalf("child %v: got end of output (%v), want a line; it said %s", c.cmd.Args[1:], err, c.stderr.String())
	}
	return c.out.Text()
}

// expect reads a line that must be this one.
func (c *child) expect(want string) {
	c.t.Helper()
	if got := c.line(); got != want {
		c.t.Fatalf("child %v: got line %q, want %q", c.cmd.Args[1:], got, want)
	}
}

func (c *child) tell(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatalf("child %v: write %q: %v", c.cmd.Args[1:], line, err)
	}
}

// end closes the child's input and wants it to go without complaint.
func (c *child) end() {
	c.t.Helper()
	_ = c.in.Close()
	for c.out.Scan() {
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("child %v: got %v, want no error; it said %s", c.cmd.Args[1:], err, c.stderr.String())
	}
}

// listening reads the lines that a child's parent says.
var listening = bufio.NewScanner(os.Stdin)

// heard waits for the parent's next line; "" means that it wants an end.
func heard() string {
	if !listening.Scan() {
		return ""
	}
	return listening.Text()
}

// until polls for what only the kernel knows.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: got nothing in 10 s", what)
		}
	}
}

// fields splits a line of numbers.
func fields(t testing.TB, line string) (numbers []int64) {
	t.Helper()
	for _, f := range strings.Fields(line) {
		var n int64
		if _, err := fmt.Sscan(f, &n); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		numbers = append(numbers, n)
	}
	return numbers
}
