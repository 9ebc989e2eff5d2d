package faults

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A bridge starts on a disk that was mounted read-only, where even root can't
// write. It says so, changes nothing, and works when the disk does.
func TestReadOnly_disk(t *testing.T) {
	t.Parallel()
	withMounts(t, func(t *testing.T) {
		dir := mountSmall(t, "size=32m")
		if dir == "" {
			return
		}
		l, h := newLedger(t), newHomeIn(t, dir)
		post := func() {
			server := h.serve()
			s := l.insistent(overMCP(t, server.url), "#readonly", "mcp")
			for range 5 {
				if m := l.next(s.channel, s.name, 200); !s.try(t.Context(), m) {
					t.Errorf("a send on a disk that can be written to failed")
				}
			}
			server.stop()
		}
		post()
		before := contents(t, dir)
		remount(t, dir, unix.MS_RDONLY)
		wantUnwritable(t, h)
		if code, out, said := h.run("audit", "verify"); code != 3 { // it agrees with itself: that can be seen without writing
			t.Errorf("agentbridge audit verify on a read-only disk: exit code %d, want 3\n%s%s", code, out, said)
		}
		if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
			t.Errorf("files on a read-only disk: -before +after\n%s", diff)
		}
		remount(t, dir, 0)
		post()
		report(t, "a start on a read-only disk", 1, verify(t, h, l))
	})
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT|flags, ""); err != nil {
		t.Fatal(err)
	}
}

// contents are the files of a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(b)
	}
	return all
}
