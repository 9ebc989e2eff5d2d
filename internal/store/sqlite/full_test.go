//go:build unix

package sqlite_test

import (
	"fmt"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"agentbridge"
	"agentbridge/internal/store/sqlite"

	"golang.org/x/sys/unix"
)

// fullChild opens a database when no file may grow beyond so many bytes, which
// fails as a full disk does: <path> <bytes>.
func fullChild(args []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	bytes, err := strconv.ParseUint(args[1], 10, 63)
	if err != nil {
		return err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = bytes
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return openChild(args)
}

// Whoever starts a bridge on a full disk is told what to do, wherever SQLite was
// when it noticed.
func TestOpen_onAFullDisk(t *testing.T) {
	t.Parallel()
	for _, bytes := range []int{1, 100, 4096, 20_000, 33_000} {
		for _, there := range []bool{true, false} {
			path := newPath(t)
			if there {
				s, err := sqlite.Open(path, sqlite.Options{})
				if err != nil {
					t.Fatal(err)
				}
				mustPost(t, s, "#build", "x")
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			c := spawn(t, "full", path, fmt.Sprint(bytes))
			code, quoted, _ := strings.Cut(c.line(), " ")
			message, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatal(err)
			}
			c.end()
			if message == "<nil>" { // there was room enough
				if bytes < 20_000 {
					t.Errorf("Open with files of up to %d bytes (a database is there: %v): got no error, want one", bytes, there)
				}
				continue
			}
			if code != string(agentbridge.Unusable) || !strings.Contains(message, "the disk is") || !strings.Contains(message, "make room") || strings.Contains(message, "\n") {
				t.Errorf("Open with files of up to %d bytes (a database is there: %v): got %s %q, want Unusable and to make room", bytes, there, code, message)
			}
		}
	}
}
