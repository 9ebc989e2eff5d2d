//go:build unix

package sqlite_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"agentbridge"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func TestOpen_keepsOthersOut(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "deep")
	s := open(t, filepath.Join(dir, "bridge.db"), sqlite.Options{})
	mustPost(t, s, "#build", "x")
	for _, d := range []string{dir, filepath.Dir(dir)} {
		wantMode(t, d, 0o700)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".bell"} {
		wantMode(t, filepath.Join(dir, "bridge.db"+suffix), 0o600)
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("mode of %s: got %v, want %v", path, got, want)
	}
}

// Characters that mean something in a URI are names of files like any other.
func TestOpen_anyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "50%.db", "q?mode=memory", "#1.db", "ünï.db", "a&b=c;d.db", "%41.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path, sqlite.Options{Alone: true})
		mustPost(t, s, "#build", "x")
		if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
			t.Errorf("Open(%q): got %v, %v beside it, want its WAL", name, info, err)
		}
	}
	if got, want := sqlite.DSN(`C:/Users/me/a b.db`, "mode=rw"), "file:///C:/Users/me/a%20b.db?"; !strings.HasPrefix(got, want) {
		t.Errorf("dsn on Windows: got %s, want %s…", got, want)
	}
}

// made returns a database of ours with some content, closed.
func made(t *testing.T, path string) {
	t.Helper()
	s, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		mustPost(t, s, "#build", strings.Repeat("content ", 200))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// run executes statements in a database as another program would.
func run(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)") // a bridge may be at work
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Whatever stands at the path and isn't ours, or is broken, stays as it is, to
// the byte, and one line says what is wrong and what to do.
func TestOpen_refuses(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		says []string // what is wrong, and what to do
	}{
		{"garbage", func(t *testing.T, path string) {
			write(t, path, bytes.Repeat([]byte("not a database\n"), 1000))
		}, []string{"not a database", "name another file"}},
		{"a short text", func(t *testing.T, path string) { write(t, path, []byte("hello\n")) }, []string{"not a database", "name another file"}},
		{"a truncated database", func(t *testing.T, path string) {
			made(t, path)
			if err := os.Truncate(path, 5*4096+100); err != nil {
				t.Fatal(err)
			}
		}, []string{"corrupt", "restore a backup"}},
		{"a database cut off within its first page", func(t *testing.T, path string) {
			made(t, path)
			if err := os.Truncate(path, 300); err != nil {
				t.Fatal(err)
			}
		}, []string{"", "name another file"}},
		{"a broken schema page", func(t *testing.T, path string) { made(t, path); breakPage(t, path, 1) }, []string{"corrupt", "restore a backup"}},
		{"a broken audit page", func(t *testing.T, path string) { made(t, path); breakPage(t, path, 2) }, []string{"corrupt", "restore a backup"}},
		{"a broken index page", func(t *testing.T, path string) { made(t, path); breakPage(t, path, 3) }, []string{"corrupt", "restore a backup"}},
		{"another program's database", func(t *testing.T, path string) {
			run(t, path, "CREATE TABLE bookmarks (url TEXT)", "INSERT INTO bookmarks VALUES ('https://example.org')")
		}, []string{"another program", "name another file"}},
		{"another program's database in WAL mode", func(t *testing.T, path string) {
			run(t, path, "PRAGMA application_id = 7", "PRAGMA journal_mode = WAL", "CREATE TABLE bookmarks (url TEXT)")
		}, []string{"another program", "name another file"}},
		{"a newer version", func(t *testing.T, path string) { made(t, path); run(t, path, "PRAGMA user_version = 99") },
			[]string{"version 99", "upgrade agentbridge"}},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"not a regular file", "name another"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			c.make(t, path)
			before := picture(t, filepath.Dir(path))
			s, err := sqlite.Open(path, sqlite.Options{})
			if err == nil {
				s.Close()
			}
			wantUnusable(t, path, agentbridge.CodeOf(err), fmt.Sprint(err), c.says...)
			if diff := cmp.Diff(before, picture(t, filepath.Dir(path))); diff != "" {
				t.Errorf("files before (-) and after (+) Open:\n%s", diff)
			}
		})
	}
}

func TestOpen_refusesADirectoryThatCantBeMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil)
	before := picture(t, dir)
	path := filepath.Join(dir, "file", "sub", "bridge.db")
	_, err := sqlite.Open(path, sqlite.Options{})
	wantUnusable(t, path, agentbridge.CodeOf(err), fmt.Sprint(err), "directory can't be made", "name another file")
	if diff := cmp.Diff(before, picture(t, dir)); diff != "" {
		t.Errorf("files before (-) and after (+) Open:\n%s", diff)
	}
	for _, path := range []string{"", ":memory:"} {
		_, err := sqlite.Open(path, sqlite.Options{})
		wantUnusable(t, "", agentbridge.CodeOf(err), fmt.Sprint(err), "needs a database file", "give a path")
	}
}

func wantUnusable(t *testing.T, path string, code agentbridge.Code, message string, says ...string) {
	t.Helper()
	if code != agentbridge.Unusable || strings.Contains(message, "\n") || !strings.Contains(message, path) {
		t.Errorf("Open: got %s %q, want Unusable and one line that names %s", code, message, path)
	}
	for _, s := range says {
		if !strings.Contains(message, s) {
			t.Errorf("Open: got %q, want it to say %q", message, s)
		}
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// breakPage writes over one page of a database, counted from 1; the first keeps
// its header.
func breakPage(t *testing.T, path string, page int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size, header = 4096, 100
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xAB, 0x13, 0x37}, (size-header)/3), (page-1)*size+header*max(0, 2-page)); err != nil {
		t.Fatal(err)
	}
}

// picture is what lies in a directory, by name with mode and content.
func picture(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files[path] = info.Mode().String()
		if info.Mode().IsRegular() && !strings.HasSuffix(path, "-shm") { // which is memory: locks are noted in it
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files[path] += fmt.Sprintf(" %d bytes %x", len(content), sha256.Sum256(content))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// openChild tries to open a database and says how that ended: <path>.
func openChild(args []string) error {
	s, err := sqlite.Open(args[0], sqlite.Options{})
	fmt.Printf("%s %q\n", agentbridge.CodeOf(err), fmt.Sprint(err))
	if err == nil {
		return s.Close()
	}
	return nil
}

// asNobody opens a database as a user whom file modes bind.
func asNobody(t *testing.T, path string) (code agentbridge.Code, message string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(exe, path)}
	if os.Getuid() == 0 {
		c.cmd.Path = "/proc/self/exe" // the go command puts the binary where nobody else may go
		c.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	c.cmd.Dir = filepath.Dir(path)
	c.start("open")
	if _, err := fmt.Sscanf(c.line(), "%s %q", &code, &message); err != nil {
		t.Fatal(err)
	}
	c.end()
	return code, message
}

// shared is a directory that everybody can reach and write to.
func shared(t *testing.T) string {
	dir := t.TempDir()
	for path, mode := range map[string]fs.FileMode{filepath.Dir(dir): 0o755, dir: 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpen_refusesWhatItMayNotWrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		file, dir fs.FileMode
		says      []string
	}{
		{"a read-only file", 0o444, 0o777, []string{"read-only", "make the file and its directory writable"}},
		{"a file that can't be read", 0o000, 0o777, []string{"read-only", "make the file and its directory writable"}},
		{"a file in a read-only directory", 0o666, 0o555, []string{"read-only", "make the file and its directory writable"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := shared(t)
			path := filepath.Join(dir, "bridge.db")
			made(t, path)
			for _, suffix := range []string{".lock", ".bell"} { // as if it had been copied here
				if err := os.Remove(path + suffix); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(path, c.file); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, c.dir); err != nil {
				t.Fatal(err)
			}
			before := picture(t, dir)
			code, message := asNobody(t, path)
			wantUnusable(t, path, code, message, c.says...)
			if diff := cmp.Diff(before, picture(t, dir)); diff != "" {
				t.Errorf("files before (-) and after (+) Open:\n%s", diff)
			}
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// lockChild holds a database as a foreign program does until its input ends:
// <path> <statement>...
func lockChild(args []string) error {
	db, err := sql.Open("sqlite", args[0])
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	for _, statement := range args[1:] {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	fmt.Println("locked")
	heard()
	return nil
}

func TestOpen_refusesWhatAForeignProgramHolds(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"BEGIN EXCLUSIVE": {"BEGIN EXCLUSIVE"},
		"locking_mode":    {"PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "UPDATE settings SET value = value", "COMMIT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each takes as long as SQLite waits for a lock
			path := newPath(t)
			made(t, path)
			foreign := spawn(t, "lock", append([]string{path}, statements...)...)
			foreign.expect("locked")
			before := picture(t, filepath.Dir(path))
			_, err := sqlite.Open(path, sqlite.Options{})
			wantUnusable(t, path, agentbridge.CodeOf(err), fmt.Sprint(err), "locked by another program", "close that program")
			if diff := cmp.Diff(before, picture(t, filepath.Dir(path))); diff != "" {
				t.Errorf("files before (-) and after (+) Open:\n%s", diff)
			}
			foreign.end()
			storetest.Check(t, open(t, path, sqlite.Options{}))
		})
	}
}
