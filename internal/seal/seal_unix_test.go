//go:build unix

package seal_test

import (
	"os"
	"strings"
	"testing"

	"agentbridge"
)

// Somebody else who could read the key may have: it is refused, not repaired.
func TestLoad_refusesWhatOthersCanRead(t *testing.T) {
	for _, mode := range []os.FileMode{0o640, 0o604, 0o602, 0o660, 0o644, 0o666} {
		r := newRing(t)
		if err := os.Chmod(r.Path(), mode); err != nil {
			t.Fatal(err)
		}
		if err := r.Load(); agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), "other users") {
			t.Errorf("Load of a file with mode %04o: got %v, want Unusable", mode, err)
		}
	}
	r := newRing(t)
	if _, err := r.Add(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(r.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of a new file: got %v, %v, want 0600", info.Mode(), err)
	}
}
