//go:build unix

package sqlite_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentbridge/internal/store/sqlite"
)

// besides are a database and the files that belong to it.
var besides = []string{"", "-wal", "-shm", ".lock", ".bell"}

// logged returns options whose log is kept.
func logged() (sqlite.Options, *bytes.Buffer) {
	var log bytes.Buffer
	return sqlite.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

// Files that an umask, a copy or somebody opened to others are taken back at
// the next start.
func TestOpen_takesFilesFromOthers(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o640, 0o602, 0o777} {
		path := crashed(t)
		for _, suffix := range besides {
			f, err := os.OpenFile(path+suffix, os.O_CREATE|os.O_RDWR, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path+suffix, mode); err != nil {
				t.Fatal(err)
			}
		}
		opts, log := logged()
		s := open(t, path, opts)
		mustPost(t, s, "#build", "x")
		for _, suffix := range besides {
			wantMode(t, path+suffix, mode&0o700)
		}
		if lines := strings.Count(log.String(), "level=WARN"); lines != 1 || !strings.Contains(log.String(), "bridge.db-wal") {
			t.Errorf("mode %04o: got %d warnings, want one with the files: %s", mode, lines, log.String())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		log.Reset()
		open(t, path, opts)
		if log.Len() > 0 {
			t.Errorf("the next start said %s, want nothing", log.String())
		}
	}
}

// Ordinary directories go without a word. Where everybody can replace the
// database, a line says so.
func TestOpen_directories(t *testing.T) {
	t.Parallel()
	for mode, warned := range map[os.FileMode]bool{
		0o700: false, 0o755: false, 0o775: false, 0o777 | os.ModeSticky: false, 0o777: true, 0o757: true,
	} {
		dir := filepath.Join(t.TempDir(), "dir")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		opts, log := logged()
		open(t, filepath.Join(dir, "bridge.db"), opts)
		if got := strings.Contains(log.String(), "can replace the files"); got != warned {
			t.Errorf("directory of mode %v: warned = %v, want %v: %s", mode, got, warned, log.String())
		}
	}
}

// What belongs to another program is left as it is, its mode too.
func TestOpen_leavesModesOfRefusedFiles(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	run(t, path, "CREATE TABLE bookmarks (url TEXT)")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(path, sqlite.Options{}); err == nil {
		t.Fatal("Open: got a store, want a refusal")
	}
	wantMode(t, path, 0o644)
}

// Somebody who may use a file but not take it from others does not use it. Its
// owner may, which a test that is not run by root can only be.
func TestOpen_modeThatCantBeChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shared(t), "bridge.db")
	made(t, path)
	for _, suffix := range []string{".lock", ".bell"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		open(t, path, sqlite.Options{})
		wantMode(t, path, 0o600)
		return
	}
	code, message := asNobody(t, path)
	wantUnusable(t, path, code, message, "other users can get at bridge.db", "0666", "chmod it to 0600")
	wantMode(t, path, 0o666)
}
