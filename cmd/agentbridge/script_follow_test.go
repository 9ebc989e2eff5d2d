package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"
)

// This file is the commands of scripts that follow a channel, and those that
// look closely at what was printed.

// following is the tail of a script.
type following struct {
	cmd            *exec.Cmd
	stdout, stderr chan string // closed when it ends
}

type followingKey struct{}

func followingOf(ts *testscript.TestScript) *following {
	return ts.Value(followingKey{}).(*following)
}

// tail ARGS... starts agentbridge tail. What it prints is looked at with lines
// and says, in the order in which it comes; ended ends it.
func startTail(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath("agentbridge")
	ts.Check(err)
	f := followingOf(ts)
	f.cmd = exec.Command(path, append([]string{"tail"}, args...)...)
	f.cmd.Dir = ts.MkAbs(".")
	f.cmd.Env = scriptEnv(ts)
	out, err := f.cmd.StdoutPipe()
	ts.Check(err)
	prose, err := f.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(f.cmd.Start())
	f.stdout, f.stderr = linesOf(out), linesOf(prose)
	ts.Defer(func() {
		f.cmd.Process.Kill()
		f.cmd.Wait()
	})
}

// scriptEnv is the script's environment, as far as the program looks at it.
func scriptEnv(ts *testscript.TestScript) (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AGENTBRIDGE_") {
			env = append(env, v)
		}
	}
	for _, name := range []string{"XDG_DATA_HOME", "AGENTBRIDGE_URL", "AGENTBRIDGE_CONSUMER"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return append(env, "GORACE=atexit_sleep_ms=0")
}

func linesOf(r io.Reader) chan string {
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

// lines PATTERN... waits for as many lines of tail's stdout, which must match.
func wantLines(ts *testscript.TestScript, _ bool, args []string) {
	matchLines(ts, "stdout", followingOf(ts).stdout, args)
}

// says PATTERN... is lines for stderr.
func wantProse(ts *testscript.TestScript, _ bool, args []string) {
	matchLines(ts, "stderr", followingOf(ts).stderr, args)
}

func matchLines(ts *testscript.TestScript, name string, lines <-chan string, patterns []string) {
	for _, pattern := range patterns {
		select {
		case line, ok := <-lines:
			if !ok {
				ts.Fatalf("tail ended; want a line on %s that matches %s", name, pattern)
			}
			if !regexp.MustCompile(pattern).MatchString(line) {
				ts.Fatalf("tail's %s: %q, want a line that matches %s", name, line, pattern)
			}
		case <-time.After(20 * time.Second):
			ts.Fatalf("tail's %s: nothing, want a line that matches %s", name, pattern)
		}
	}
}

// ended CODE interrupts tail, which must have said nothing that was not looked
// at.
func endTail(ts *testscript.TestScript, _ bool, args []string) {
	f := followingOf(ts)
	ts.Check(f.cmd.Process.Signal(os.Interrupt))
	for line := range f.stdout {
		ts.Fatalf("tail's stdout: %q, want no more", line)
	}
	for line := range f.stderr {
		ts.Fatalf("tail's stderr: %q, want no more", line)
	}
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](f.cmd.Wait()); ok {
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("tail ended with exit code %d, want %s", code, args[0])
	}
}

// id VAR keeps what the last command printed, an id.
func keepID(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// hostile VAR TEXT sets a variable to a Go string, so that \e and \n can be
// written.
func setHostile(ts *testscript.TestScript, _ bool, args []string) {
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	ts.Setenv(args[0], text)
}

// inert FILE... checks that no terminal and no eye obeys what was printed.
func wantInert(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		for _, r := range ts.ReadFile(name) {
			if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				ts.Fatalf("%s holds %U", name, r)
			}
		}
	}
}

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// examples FILE writes the envelopes in a document to example0.json and so on.
func writeExamples(ts *testscript.TestScript, _ bool, args []string) {
	for i, block := range jsonBlock.FindAllStringSubmatch(ts.ReadFile(args[0]), -1) {
		var call struct{ Message json.RawMessage }
		text := bytes.TrimSpace([]byte(block[1]))
		ts.Check(json.Unmarshal(text, &call))
		if call.Message != nil {
			text = call.Message
		}
		ts.Check(os.WriteFile(ts.MkAbs("example"+strconv.Itoa(i)+".json"), text, 0o600))
	}
}
