//go:build unix

package sqlite_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
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

// crashed returns a copy of a database as kill -9 leaves it: with commits that
// stand in its WAL only.
func crashed(t *testing.T) (path string) {
	t.Helper()
	alive := newPath(t)
	made(t, alive)
	s := open(t, alive, sqlite.Options{})
	mustPost(t, s, "#build", "in the WAL")
	path = newPath(t)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(alive + suffix)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path+suffix, content)
	}
	return path
}

// A refused file must stay as it is even if a crash left a WAL beside it: the
// last connection to close would copy that into the file.
func TestOpen_leavesARefusedFileAndItsWAL(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		harm func(path string)
		says string
	}{
		"newer": {func(path string) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			binary.BigEndian.PutUint32(content[60:], 99) // user_version, see the SQLite file format
			write(t, path, content)
		}, "upgrade agentbridge"},
		"corrupt": {func(path string) { breakPage(t, path, 5) }, "corrupt"},
	} {
		path := crashed(t)
		c.harm(path)
		before := picture(t, filepath.Dir(path))
		_, err := sqlite.Open(path, sqlite.Options{})
		if agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: Open = %v, want Unusable with %q", what, err, c.says)
		}
		after := picture(t, filepath.Dir(path))
		delete(after, path+"-shm") // which holds nothing, and which a reader of a WAL needs
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: the files changed: -before +after\n%s", what, diff)
		}
	}
}

// Whoever removes the file of a running bridge must not be told that messages
// are still stored.
func TestUpdate_fileRemoved(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	mustPost(t, s, "#build", "one")
	aside := path + ".aside"
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	lost := int64(0)
	until(t, "a send without the file is refused", func() bool {
		_, err := post(s, "#build", "two")
		if err == nil {
			lost++ // within a millisecond of the last look
		}
		return agentbridge.CodeOf(err) == agentbridge.Unusable
	})
	write(t, path, nil)
	if _, err := post(s, "#build", "two"); agentbridge.CodeOf(err) != agentbridge.Unusable {
		t.Errorf("a send with another file in its place = %v, want Unusable", err)
	}
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	mustPost(t, s, "#build", "two")
	if n := tally(t, s, "#build"); n != 2+lost {
		t.Errorf("with the file back the channel holds %d messages, want %d", n, 2+lost)
	}
}

// The WAL holds what is committed. Once it has no name it ends with the last
// process that has it open, so nothing may be written to it any more.
func TestUpdate_walRemoved(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	mustPost(t, s, "#build", "one")
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	stored := int64(1)
	until(t, "a send without the WAL is refused", func() bool {
		_, err := post(s, "#build", "two")
		if err == nil {
			stored++ // within a millisecond of the last look
		}
		return agentbridge.CodeOf(err) == agentbridge.Unusable
	})
	if err := s.Close(); err != nil { // which copies the WAL, name or no name
		t.Fatal(err)
	}
	if n := tally(t, open(t, path, sqlite.Options{}), "#build"); n != stored {
		t.Errorf("after a restart the channel holds %d messages, want the %d that were stored", n, stored)
	}
}

// Two names of one file share a gate, a bell and a key.
func TestOpen_symbolicLink(t *testing.T) {
	t.Parallel()
	path, dir := newPath(t), t.TempDir()
	made(t, path)
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip("this system has no symbolic links for us:", err)
	}
	s := open(t, link, sqlite.Options{})
	want, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Path(); got != want {
		t.Errorf("Path() = %s, want %s", got, want)
	}
	beside, err := os.ReadDir(dir)
	if err != nil || len(beside) != 1 {
		t.Errorf("beside the link are %v, %v; want the link alone", beside, err)
	}
}

// Heartbeats log nothing and ring nobody, but they write. Agents that only
// poll must not make the WAL grow for ever.
func TestCheckpoint_commitsThatRingNobody(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, sqlite.Options{})
	mustPost(t, s, "#build", "x")
	for range 5000 { // 20 MB if nobody copies them back
		err := s.Update(context.Background(), func(tx store.Tx) error {
			c, _, err := tx.Channel("#build")
			if err != nil {
				return err
			}
			return tx.PutPresence(c, "a", store.Presence{HeartbeatAt: time.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 12<<20 {
		t.Errorf("after 5,000 heartbeats the WAL has %d MiB", info.Size()>>20)
	}
}

// What was cleared is gone from the files while the bridge runs, not only when
// it has ended.
func TestScrub_leavesNoCopies(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, sqlite.Options{Alone: true})
	for range 300 {
		mustPost(t, s, "#build", "hunter2 "+strings.Repeat("x", 500))
	}
	err := s.Update(context.Background(), func(tx store.Tx) error {
		c, _, err := tx.Channel("#build")
		if err != nil {
			return err
		}
		if _, err := tx.ClearChannel(c); err != nil {
			return err
		}
		_, err = tx.Sweep(1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(content, []byte("hunter2")); n > 0 {
			t.Errorf("bridge.db%s still holds %d cleared messages", suffix, n)
		}
	}
}

// A large file is not checked before it is used. When damage is found, nothing
// more is written into it.
func TestOpen_largeAndDamaged(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		mustPost(t, s, "#build", strings.Repeat("content ", 10_000))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for page := range int64(50) {
		breakPage(t, path, 20+20*page)
	}
	s = open(t, path, sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	until(t, "a send is refused", func() bool {
		_, err := post(s, "#build", "x")
		return agentbridge.CodeOf(err) == agentbridge.Unusable
	})
}

// kill -9 in the middle of a checkpoint leaves a file that makes sense with its
// WAL only: here its first page, which tells how many there are, and no other.
// It must not be taken for a damaged one.
func TestOpen_inTheMiddleOfACheckpoint(t *testing.T) {
	t.Parallel()
	alive := newPath(t)
	s := open(t, alive, sqlite.Options{})
	for range 20 {
		mustPost(t, s, "#build", "in the WAL")
	}
	wal, err := os.ReadFile(alive + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const header, frame, page = 32, 24, 4096 // see the SQLite file format, §4.1
	var first []byte
	for at := header; at+frame+page <= len(wal); at += frame + page {
		if binary.BigEndian.Uint32(wal[at:]) == 1 {
			first = wal[at+frame : at+frame+page]
		}
	}
	path := newPath(t)
	write(t, path, first)
	write(t, path+"-wal", wal)
	if n := tally(t, open(t, path, sqlite.Options{}), "#build"); n != 20 {
		t.Errorf("the channel holds %d messages, want 20", n)
	}
}
