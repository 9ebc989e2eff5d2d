package token

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"agentbridge"
)

const conv = agentbridge.ConversationID("conv_0123456789abcdef")

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	key, err := LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := LoadOrCreateKey(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	tok := key.Derive(conv, agentbridge.SeatA, 1)
	if _, err := agentbridge.ParseToken(string(tok)); err != nil {
		t.Errorf("Derive = a token that ParseToken refuses: %v", err)
	}
	for _, c := range []struct {
		what string
		got  bool
		want bool
	}{
		{"the seat's own token", key.Verify(tok, conv, agentbridge.SeatA, 1), true},
		{"the partner's seat", key.Verify(tok, conv, agentbridge.SeatB, 1), false},
		{"another conversation", key.Verify(tok, "conv_0123456789abcdee", agentbridge.SeatA, 1), false},
		{"a later generation", key.Verify(tok, conv, agentbridge.SeatA, 2), false},
		{"another key", other.Verify(tok, conv, agentbridge.SeatA, 1), false},
		{"no token", key.Verify("", conv, agentbridge.SeatA, 1), false},
		{"one digit off", key.Verify(tok[:63]+"x", conv, agentbridge.SeatA, 1), false},
	} {
		if c.got != c.want {
			t.Errorf("Verify(%s) = %v, want %v", c.what, c.got, c.want)
		}
	}
	if key.Fingerprint() == other.Fingerprint() {
		t.Error("two keys have one fingerprint")
	}
}

// Several agents start at once on a new machine: they must agree on one key.
func TestLoadOrCreateKey_race(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	var wg sync.WaitGroup
	keys := make([]Key, 20)
	for i := range keys {
		wg.Go(func() {
			k, err := LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = k
		})
	}
	wg.Wait()
	for i, k := range keys {
		if k != keys[0] {
			t.Fatalf("process %d has another key than process 0", i)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("key file mode = %o, want 600", got)
	}
}

func TestLoadKey_damaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadOrCreateKey(path)
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("LoadOrCreateKey(damaged) = %v, want a sentence that says so", err)
	}
	if raw, _ := os.ReadFile(path); string(raw) != "abc\n" {
		t.Error("a damaged key file was overwritten")
	}
}
