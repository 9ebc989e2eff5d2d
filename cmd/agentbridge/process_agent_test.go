package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hire adds an agent and returns the path of the file with its token.
func (h home) hire(t *testing.T, name string, flags ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".token")
	h.mustRun(t, append([]string{"agent", "add", name, "--token-file", file}, flags...)...)
	return file
}

// mustRun runs a command of the operator's to its end.
func (h home) mustRun(t *testing.T, args ...string) string {
	t.Helper()
	cmd := command(t, h.flags(args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// The operator revokes an agent whose program runs and waits. The wait ends
// within five seconds, and the program gets nothing more, without a restart.
func TestStdio_revokedWhileItWaits(t *testing.T) {
	h := newHome(t)
	alice := h.stdio(t, "--auth-token-file", h.hire(t, "alice")).member()
	bob := h.stdio(t, "--auth-token-file", h.hire(t, "bob")).member()
	alice.must("bridge_send", args{"channel": "plans", "content": "still here"})
	waits := map[*member]chan error{alice: make(chan error, 1), bob: make(chan error, 1)}
	for m, done := range waits {
		go func() {
			_, err := m.call("bridge_wait", args{"channel": "nothing comes here", "consumer_id": map[*member]string{alice: "alice", bob: "bob"}[m], "timeout_seconds": 30})
			done <- err
		}()
		m.must("bridge_ping", args{}) // the wait was read before it
	}
	began := time.Now()
	h.mustRun(t, "agent", "revoke", "alice", "--yes")
	err := within(t, 10*time.Second, "alice's bridge_wait", waits[alice])
	if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "this token does not admit") || took > 5*time.Second {
		t.Errorf("alice's bridge_wait ended after %v with %v; want a refusal within 5 s", took, err)
	}
	if _, err := alice.call("bridge_send", args{"channel": "plans", "content": "after the end"}); err == nil || !strings.Contains(err.Error(), "this token does not admit") {
		t.Errorf("bridge_send of a revoked agent: %v; want a refusal", err)
	}
	select {
	case err := <-waits[bob]:
		t.Errorf("bob's bridge_wait ended with alice's: %v", err)
	default:
	}
	wantColumn(t, "bob's bridge_receive", bob.must("bridge_receive", args{"channel": "plans"}), "messages", "content", "still here")
}

// A disk without room for a token makes no agent.
func TestAgentAdd_fullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Log("there is no /dev/full here; the case of stdout is all that can't be tried")
		return
	}
	h := newHome(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	cmd := command(t, "agent", "add", "alice", "--db", h.db())
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = full, &stderr
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "is lost; give it another with: agentbridge agent rotate") {
		t.Errorf("agent add to a full stdout: %v, %s; want a word about what became of the token", err, &stderr)
	}
	if out := h.mustRun(t, "agent", "rotate", "alice"); !strings.Contains(out, "abr_api_") {
		t.Errorf("agent rotate after that: %s; want a token", out)
	}
}

// No token of a run stands in the list of processes, in what is printed for
// people, or in any file but its own.
func TestAgents_tokensAreNowhereElse(t *testing.T) {
	h := newHome(t)
	file := h.hire(t, "alice")
	minted := strings.TrimSpace(string(readFile(t, file)))
	p := h.stdio(t, "--auth-token-file", file)
	alice := p.member()
	alice.must("bridge_send", args{"channel": "plans", "content": "mine is " + minted})
	if _, err := alice.call("bridge_send", args{"channel": minted, "content": "x"}); err == nil {
		t.Error("a channel was made that is called like a token")
	}
	if commandLine, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/cmdline"); err == nil && strings.Contains(string(commandLine), minted) {
		t.Error("the command line holds the token")
	}
	shown := h.mustRun(t, "agent", "list") + h.mustRun(t, "agent", "show", "alice", "--json") + h.mustRun(t, "audit") + h.mustRun(t, "read", "plans")
	p.terminate()
	p.wantExit(exitOK)
	shown += p.stderr.String()
	for _, name := range []string{"", "-wal", "-shm", ".lock", ".bell"} {
		if raw, err := os.ReadFile(h.db() + name); err == nil {
			shown += string(raw)
		}
	}
	for i := len("abr_api_"); i+12 <= len(minted); i++ {
		if strings.Contains(shown, minted[i:i+12]) {
			t.Fatalf("characters %d to %d of a token stand where they should not", i, i+12)
		}
	}
}
