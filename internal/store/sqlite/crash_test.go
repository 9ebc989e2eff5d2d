//go:build unix

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/store/storetest"

	"golang.org/x/sys/unix"
)

// acksChild sends with eight goroutines until it is killed and says each
// message that is stored, after Update returned: <path>.
func acksChild(args []string) error {
	s, err := sqlite.Open(args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				m, err := post(s, "#crash", fmt.Sprintf("%d/%d/%d", os.Getpid(), i, n))
				if err == nil {
					_, err = fmt.Printf("%d %s %s\n", m.Seq, m.ID, m.Content) // one write: lines don't mix
				}
				if err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wg.Wait()
	return *failed.Load()
}

// A process is killed at any moment, over and over. What it had acknowledged
// is there, once; what it had not may be there or not, but never by half.
func TestCrash_losesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	rounds := 25
	if long {
		rounds = 100
	}
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	path := newPath(t)
	total, unsaid := 0, 0
	var last agentbridge.Seq // of the round before
	for round := range rounds {
		c := spawn(t, "acks", path)
		acked := map[string]bool{}
		for range 1 + random.IntN(300) {
			acked[c.line()] = true
		}
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for c.out.Scan() { // what was on its way when it died was acknowledged too
			acked[c.out.Text()] = true
		}
		_ = c.cmd.Wait()

		s, err := sqlite.Open(path, sqlite.Options{})
		if err != nil {
			t.Fatalf("Open after crash %d: got %v, want a store", round, err)
		}
		stored := storedBehind(t, s, &last)
		for line := range acked {
			if strings.Count(line, " ") != 2 {
				continue // cut off by the kill
			}
			if stored[line] != 1 {
				t.Errorf("message %q acknowledged before crash %d (seed %d): got it %d times, want once", line, round, seed, stored[line])
			}
		}
		total += len(acked)
		unsaid += len(stored) - len(acked)
		if round%10 == 9 || round == rounds-1 { // it reads all there is, and there is more each time
			storetest.Check(t, s)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close after crash %d: got %v, want no error", round, err)
		}
	}
	t.Logf("%d crashes, %d messages acknowledged, %d stored without an answer", rounds, total, unsaid)
}

// storedBehind counts the messages behind a position by what acksChild says of
// them, and moves the position to the last one.
func storedBehind(t *testing.T, s *sqlite.Store, last *agentbridge.Seq) map[string]int {
	stored := map[string]int{}
	err := s.View(t.Context(), func(r store.Reader) error {
		c, _, err := r.Channel("#crash")
		for more := true; more && err == nil; {
			var page []agentbridge.Message
			page, more, err = r.After(c, *last, store.Span{Limit: agentbridge.MaxPage, MaxBytes: agentbridge.MaxReplyBytes})
			for _, m := range page {
				stored[fmt.Sprintf("%d %s %s", m.Seq, m.ID, m.Content)]++
				*last = m.Seq
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// squeeze sends big messages from many goroutines until one is refused, and
// returns how many were stored. All refusals must be Unavailable.
func squeeze(s *sqlite.Store) (stored int64, err error) {
	var full atomic.Bool
	var kept atomic.Int64
	var other atomic.Pointer[error]
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for !full.Load() {
				switch _, err := post(s, "#full", strings.Repeat("x", 20_000)); agentbridge.CodeOf(err) {
				case "":
					kept.Add(1)
				case agentbridge.Unavailable:
					full.Store(true)
				default:
					other.Store(&err)
					full.Store(true)
				}
			}
		})
	}
	wg.Wait()
	if err := other.Load(); err != nil {
		return kept.Load(), fmt.Errorf("Update on a full disk: got %w, want Unavailable", *err)
	}
	return kept.Load(), nil
}

// checkSqueezed wants exactly what was stored, and more once there is room.
func checkSqueezed(s *sqlite.Store, stored int64, makeRoom func() error) error {
	held := func() (n int64, err error) {
		err = s.View(context.Background(), func(r store.Reader) error {
			c, _, err := r.Channel("#full")
			if err != nil {
				return err
			}
			t, err := r.Tally(c)
			n = t.Messages
			return err
		})
		return n, err
	}
	if n, err := held(); err != nil || n != stored {
		return fmt.Errorf("Tally on a full disk: got %d, %v, want the %d that were stored", n, err, stored)
	}
	if err := makeRoom(); err != nil {
		return err
	}
	for range 10 {
		if _, err := post(s, "#full", strings.Repeat("y", 20_000)); err != nil {
			return fmt.Errorf("Update when there is room again: got %w, want no error", err)
		}
	}
	if n, err := held(); err != nil || n != stored+10 {
		return fmt.Errorf("Tally when there is room again: got %d, %v, want %d", n, err, stored+10)
	}
	return nil
}

// The database may not grow: SQLite says that the disk is full.
func TestFull_database(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	mustPost(t, s, "#build", "before")
	if _, err := s.Pragma("max_page_count = 200"); err != nil {
		t.Fatal(err)
	}
	stored, err := squeeze(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkSqueezed(s, stored, func() error {
		_, err := s.Pragma("max_page_count = 100000")
		return err
	}); err != nil {
		t.Error(err)
	}
	storetest.Check(t, s)
}

// The kernel refuses to let any file grow, in the middle of a write.
func TestFull_files(t *testing.T) {
	t.Parallel()
	c := spawn(t, "narrow", newPath(t))
	c.expect("fine")
	c.end()
}

// narrowChild squeezes itself: <path>.
func narrowChild(args []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := sqlite.Open(args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	if _, err := post(s, "#build", "before"); err != nil {
		return err
	}
	var wide unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &wide); err != nil {
		return err
	}
	narrow := unix.Rlimit{Cur: 1<<20 + 1234, Max: wide.Max} // not at the end of a page
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &narrow); err != nil {
		return err
	}
	stored, err := squeeze(s)
	if err != nil {
		return err
	}
	if stored == 0 {
		return errors.New("squeeze: got nothing stored, want some before the limit")
	}
	if err := checkSqueezed(s, stored, func() error { return unix.Setrlimit(unix.RLIMIT_FSIZE, &wide) }); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = sqlite.Open(args[0], sqlite.Options{}); err != nil {
		return err
	}
	if err := checkSqueezed(s, stored+10, func() error { return nil }); err != nil {
		return errors.New(strconv.Quote("after reopening: " + err.Error()))
	}
	fmt.Println("fine")
	return s.Close()
}
