package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/store/sqlite"
)

// TestUsedBytes: what stands in the write-ahead log counts as it will when
// SQLite has copied it into the database.
func TestUsedBytes(t *testing.T) {
	bridge := bridgetest.Unlimited(t)
	session, err := bridge.Open(t.Context(), agentbridge.Local())
	if err != nil {
		t.Fatal(err)
	}
	alice := bridgetest.NewAgent(t, session, "alice")
	for range 40 {
		alice.MustSend("#disk", strings.Repeat("x", 3000))
	}
	db := filepath.Join(t.TempDir(), bridgetest.Database)
	log := copyFile(t, filepath.Join(bridge.Dir, bridgetest.Database+"-wal"), db+"-wal")
	copyFile(t, filepath.Join(bridge.Dir, bridgetest.Database), db)
	before, err := usedBytes(db)
	if err != nil || before < 40*3000 {
		t.Fatalf("with 40 messages of 3000 bytes, %d of them in the log: usedBytes() = %d, %v", log, before, err)
	}
	s, err := sqlite.Open(db, sqlite.Options{Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // copies the log
		t.Fatal(err)
	}
	if after, err := usedBytes(db); err != nil || after != before {
		t.Errorf("usedBytes() = %d, %v without the log; want %d as with it", after, err, before)
	}
}

func copyFile(t *testing.T, from, to string) (size int) {
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return len(raw)
}

func TestUsedBytes_noDatabase(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"short": "SQLite", "other": strings.Repeat("x", 200)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := usedBytes(path); err == nil {
			t.Errorf("usedBytes(%s) = %d; want an error", name, n)
		}
	}
}

func TestFootprint_since(t *testing.T) {
	before := footprint{file: 8192, log: 0, used: 4096}
	for _, test := range []struct {
		name  string
		after footprint
		want  float64
	}{
		{"pages that were free before are in use", footprint{file: 8192, used: 8192}, 4096},
		{"pages not known", footprint{file: 12288, log: 4096}, 8192},
	} {
		if got := test.after.since(before); got != test.want {
			t.Errorf("%s: grown by %v; want %v", test.name, got, test.want)
		}
	}
}
