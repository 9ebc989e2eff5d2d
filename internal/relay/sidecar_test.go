package relay

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// fullDisk takes only so many bytes more. Another process may get some of them.
type fullDisk struct {
	*os.File
	room  int
	other string
}

func (f fullDisk) Write(b []byte) (int, error) {
	n, err := f.File.Write(b[:min(f.room, len(b))])
	if err != nil || n == len(b) {
		return n, err
	}
	if f.other != "" {
		if err := sidecar(f.Name()).append(f.other); err != nil {
			return n, err
		}
	}
	return n, syscall.ENOSPC
}

func TestSidecar_append(t *testing.T) {
	for _, c := range []struct {
		what, before, other string
		room                int
		fails               bool
		want                string
	}{
		{"to nothing", "", "", 100, false, "new\n"},
		{"to whole ones", "old\n", "", 100, false, "old\nnew\n"},
		{"to a torn one", "ol", "", 100, false, "ol\nnew\n"},
		{"to a full disk", "old\n", "", 0, true, "old\n"},
		{"to a disk that gets full", "old\n", "", 2, true, "old\n"},
		{"to a disk that gets full, and a torn one", "ol", "", 2, true, "ol"},
		{"before another process", "old\n", "other\n", 2, true, "old\nne\nother\n"},
	} {
		path := filepath.Join(t.TempDir(), "notes")
		if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		err = appendNotes(fullDisk{f, c.room, c.other}, "new\n")
		f.Close()
		if (err != nil) != c.fails {
			t.Errorf("append %s = %v; want an error: %v", c.what, err, c.fails)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("append %s leaves %q, %v; want %q", c.what, got, err, c.want)
		}
	}
}
