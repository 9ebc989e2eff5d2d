package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"

	"github.com/google/go-cmp/cmp"
)

// inDirectory is what every file beside a path holds; the shared memory of
// SQLite only by name, for locks are written into it.
func inDirectory(t *testing.T, path string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]string{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.Name(), "-shm") {
			raw = nil
		}
		held[e.Name()] = string(raw)
	}
	return held
}

// lookAt counts the entries of a database.
func lookAt(t *testing.T, path string) (last int64) {
	t.Helper()
	l, err := sqlite.OpenLook(path, nil)
	if err != nil {
		t.Fatalf("OpenLook() = %v", err)
	}
	err = l.View(context.Background(), func(r store.Reader) (err error) {
		last, err = r.LastEntry()
		return err
	})
	if err != nil {
		t.Errorf("View() = %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	return last
}

func logEntries(t *testing.T, s *sqlite.Store, n int) {
	t.Helper()
	err := s.Update(context.Background(), func(tx store.Tx) error {
		for range n {
			if err := tx.Log(agentbridge.Entry{At: time.Now(), Actor: "alice", Action: agentbridge.ActionAck}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// To look leaves everything as it was: a database that was closed, a copy of it
// without the files beside it, one that was copied while somebody wrote.
func TestOpenLook_changesNothing(t *testing.T) {
	path := newPath(t)
	s := open(t, path, sqlite.Options{Alone: true})
	logEntries(t, s, 3)
	busy := filepath.Join(t.TempDir(), "busy.db")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		copyTo(t, path+suffix, busy+suffix)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "copy.db")
	copyTo(t, path, alone)
	for _, p := range []string{path, alone, busy} {
		before := inDirectory(t, p)
		if last := lookAt(t, p); last != 3 {
			t.Errorf("%s: the last entry is %d, want 3", filepath.Base(p), last)
		}
		if diff := cmp.Diff(before, inDirectory(t, p)); diff != "" {
			t.Errorf("%s: to look changed\n%s", filepath.Base(p), diff)
		}
	}
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever looks sees what was committed before each look, and is in nobody's way.
func TestOpenLook_besideAWriter(t *testing.T) {
	path := newPath(t)
	s := open(t, path, sqlite.Options{Alone: true})
	logEntries(t, s, 1)
	l, err := sqlite.OpenLook(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = l.View(context.Background(), func(r store.Reader) error {
		if _, err := r.LastEntry(); err != nil { // it begins with the first read
			return err
		}
		logEntries(t, s, 1)
		last, err := r.LastEntry()
		if last != 1 {
			t.Errorf("within a look the last entry became %d", last)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if last := lookAt(t, path); last != 2 {
		t.Errorf("the last entry is %d, want 2", last)
	}
}

// What can't be looked at is refused in one line, and not made.
func TestOpenLook_refuses(t *testing.T) {
	old := newPath(t)
	db, err := sql.Open("sqlite", old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(fmt.Sprintf("CREATE TABLE x (y); PRAGMA user_version = 1; PRAGMA application_id = %d", sqlite.ApplicationID)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]agentbridge.Code{
		filepath.Join(t.TempDir(), "nowhere.db"): agentbridge.NotFound,
		t.TempDir():                              agentbridge.Unusable,
		old:                                      agentbridge.Unusable,
		text:                                     agentbridge.Unusable,
	} {
		before := map[string]string{}
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			before = inDirectory(t, path)
		}
		l, err := sqlite.OpenLook(path, nil)
		if agentbridge.CodeOf(err) != want || strings.Contains(err.Error(), "\n") {
			t.Errorf("OpenLook(%s) = %v, %v; want one line of %s", path, l, err, want)
		}
		if len(before) > 0 {
			if diff := cmp.Diff(before, inDirectory(t, path)); diff != "" {
				t.Errorf("OpenLook(%s) changed\n%s", path, diff)
			}
		}
	}
}
