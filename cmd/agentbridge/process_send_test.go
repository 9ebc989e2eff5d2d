package main

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentbridge/internal/wire"
)

// Whoever sends to a bridge elsewhere is whose token that is, without saying so;
// with the token that all share, the login name, as before.
func TestSend_isFromWhoseTokenItIs(t *testing.T) {
	h := newHome(t)
	shared := filepath.Join(t.TempDir(), "shared.token")
	if err := os.WriteFile(shared, []byte(rand.Text()+rand.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	_, url := h.serve(t, "--auth-token-file", shared)
	alice := h.hire(t, "alice")
	send := func(token string, more ...string) (string, error) {
		cmd := command(t, append([]string{"send", "c", "hello", "--url", url, "--auth-token-file", token}, more...)...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, how := range []struct{ token, sender string }{{alice, ""}, {alice, "alice"}, {shared, ""}, {shared, "bob"}} {
		more := []string{}
		if how.sender != "" {
			more = append(more, "--sender", how.sender)
		}
		if out, err := send(how.token, more...); err != nil {
			t.Errorf("send with %s and --sender %q: %v: %s", filepath.Base(how.token), how.sender, err, out)
		}
	}
	if out, err := send(alice, "--sender", "bob"); err == nil || !strings.Contains(out, `sender: must be "alice", whose token this is`) {
		t.Errorf("send as another: %v: %s", err, out)
	}
	if out, err := send(shared, "--sender", "alice"); err == nil || !strings.Contains(out, "sender: ") {
		t.Errorf("send under an agent's name with the token that all share: %v: %s", err, out)
	}

	out, err := command(t, "read", "c", "--url", url, "--auth-token-file", alice, "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		var m wire.Record
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		name := string(m.Sender)
		if m.Verified {
			name = "verified " + name
		}
		got = append(got, name)
	}
	if want := "verified alice, verified alice, " + loginName() + ", bob"; strings.Join(got, ", ") != want {
		t.Errorf("read shows %q, want %q", got, want)
	}
}
