//go:build unix

package faults

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	inside  = "FAULTS_INSIDE"   // names the test that runs in a process of its own
	longest = 5 * time.Minute   // that process may take
	shown   = "fault: "         // begins what it reports
	denied  = "not permitted: " // begins what it says if it can't do what it is for
)

// elsewhere runs a test in a process of its own, which change sets up. It
// returns false if that is not permitted.
func elsewhere(t *testing.T, change func(*exec.Cmd), test func(*testing.T)) (ran bool) {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		test(t)
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+longest.String())
	cmd.Env = append(os.Environ(), inside+"="+t.Name(), "AGENTBRIDGE_BINARY="+binary)
	change(cmd)
	out, err := cmd.CombinedOutput()
	if _, why, no := strings.Cut(string(out), denied); no || cmd.Process == nil {
		why, _, _ = strings.Cut(why, "\n")
		t.Logf("%s%s (%v)", denied, why, err)
		return false
	}
	if err != nil {
		t.Errorf("%s in a process of its own: %v\n%s", t.Name(), err, out)
	}
	for line := range strings.Lines(string(out)) {
		if _, said, ok := strings.Cut(line, shown); ok {
			t.Log(shown + strings.TrimSpace(said))
		}
	}
	return true
}

// asNobody runs a test without root's rights, to whom modes mean nothing.
func asNobody(t *testing.T, test func(*testing.T)) {
	t.Helper()
	if os.Getuid() != 0 {
		test(t)
		return
	}
	const nobody = 65534
	elsewhere(t, func(cmd *exec.Cmd) {
		dir := publicDir(t, nobody)
		cmd.Path = copyTo(t, cmd.Path, dir)
		cmd.Dir = dir
		cmd.Env = append(cmd.Env, "TMPDIR="+dir, "HOME="+dir, "AGENTBRIDGE_BINARY="+copyTo(t, binary, dir))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}, test)
}

// publicDir is a directory of another user's, which t.TempDir can't be.
func publicDir(t *testing.T, owner int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chown(dir, owner, owner); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyTo copies a program to where others can run it.
func copyTo(t *testing.T, program, dir string) string {
	t.Helper()
	from, err := os.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(dir, filepath.Base(program))
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
