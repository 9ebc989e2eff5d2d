//go:build unix

package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/seal"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/store/storetest"

	"github.com/google/go-cmp/cmp"
)

// rotate gives a database a new key and forgets the others.
func rotate(s *sqlite.Store, ring *seal.Ring) error {
	ctx := context.Background()
	if err := s.UseKey(ctx, func(string) (string, error) { return ring.Add() }); err != nil {
		return err
	}
	if err := s.Reseal(ctx); err != nil {
		return err
	}
	return s.Retire(ctx, func(needed []string) error { _, err := ring.Keep(needed); return err })
}

// Others read and write while the key changes under them.
func TestRotate_besideOthers(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, other := open(t, path, encrypted(path)), open(t, path, encrypted(path))
	for i := range 250 { // more than a batch
		mustPost(t, s, "#build", fmt.Sprint("before ", i))
	}
	first := encryption(t, s).Key
	ring := ringOf(path)
	if err := ring.Load(); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan bool), make(chan int)
	go func() {
		sent := 0
		defer func() { done <- sent }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := post(other, "#build", "meanwhile"); err != nil {
				t.Errorf("post while the key changes: got %v, want no error", err)
				return
			}
			sent++
			page, err := read(other, "#build")
			if err != nil || slices.ContainsFunc(page, func(m agentbridge.Message) bool { return strings.Contains(m.Content, "decrypt") }) {
				t.Errorf("read while the key changes: got %d messages, %v, want all in clear", len(page), err)
				return
			}
		}
	}()
	for range 2 {
		if err := rotate(s, ring); err != nil {
			t.Fatalf("rotate: got %v, want no error", err)
		}
	}
	close(stop)
	sent := int64(<-done)
	e := encryption(t, other)
	if e.Key == first || e.Unfinished || len(e.Messages) != 1 || e.Messages[e.Key] != 250+sent {
		t.Errorf("Encryption: got %+v, want %d messages, all with another key than %s", e, 250+sent, first)
	}
	if diff := cmp.Diff([]string{e.Key}, ring.Keys()); diff != "" {
		t.Errorf("keys in the file: -want +got\n%s", diff)
	}
	steal(t, "after it got other keys", filepath.Dir(path), "before 1", "meanwhile")
	storetest.Check(t, other)
}

// What does not open keeps its key, and its key stays in the file.
func TestRotate_damagedMessage(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, encrypted(path))
	mustPost(t, s, "#build", "one")
	mustPost(t, s, "#build", "two")
	first := encryption(t, s).Key
	run(t, path, "UPDATE messages SET sealed = zeroblob(40) WHERE seq = 1")
	ring := ringOf(path)
	if err := rotate(s, ring); err != nil {
		t.Fatalf("rotate: got %v, want no error", err)
	}
	e := encryption(t, s)
	if want := (map[string]int64{first: 1, e.Key: 1}); !cmp.Equal(e.Messages, want) || e.Key == first {
		t.Errorf("Encryption: got %+v, want %v", e, want)
	}
	if keys := ring.Keys(); len(keys) != 2 {
		t.Errorf("keys in the file: got %q, want both", keys)
	}
	wantEntries(t, s, agentbridge.ActionEncrypt, `{"from":["`+first+`"],"key":"`+e.Key+`","messages":1,"unreadable":1}`)
}

// rotateChild rotates a key again and again until it is killed, and says a line
// for each look at the messages meanwhile: <path>.
func rotateChild(args []string) error {
	s, err := sqlite.Open(args[0], encrypted(args[0]))
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		for err == nil {
			err = rotate(s, ringOf(args[0]))
		}
		failed <- err
	}()
	for {
		select {
		case err := <-failed:
			return err
		default:
		}
		if _, err := s.Encryption(context.Background()); err != nil {
			return err
		}
		fmt.Println("rotating")
	}
}

// A rotation that is killed at any moment leaves all messages readable, and the
// next process finishes it.
func TestCrash_whileTheKeyChanges(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := sqlite.Open(path, encrypted(path))
	if err != nil {
		t.Fatal(err)
	}
	const messages = 300
	for i := range messages {
		mustPost(t, s, "#build", fmt.Sprint("text ", i))
	}
	want := mustRead(t, s, "#build")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		c := spawn(t, "rotate", path)
		for range 1 + 25*round { // somewhere in it
			c.expect("rotating")
		}
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for c.out.Scan() {
		}
		_ = c.cmd.Wait()

		s, err := sqlite.Open(path, encrypted(path))
		if err != nil {
			t.Fatalf("Open after crash %d: got %v, want a store", round, err)
		}
		if diff := cmp.Diff(want, mustRead(t, s, "#build")); diff != "" {
			t.Errorf("messages after crash %d: -want +got\n%s", round, diff)
		}
		if e := settled(t, s); e.Unfinished || len(e.Messages) != 1 || e.Messages[e.Key] != messages {
			t.Errorf("Encryption after crash %d: got %+v, want %d messages with one key", round, e, messages)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Somebody who opens the database for a moment only must not have to wait until
// all of it is encrypted, and what he leaves others do.
func TestReseal_goesOn(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, sqlite.Options{})
	for range 450 {
		mustPost(t, s, "#build", secretText)
	}
	for range 5 {
		hasty, err := sqlite.Open(path, encrypted(path))
		if err != nil {
			t.Fatal(err)
		}
		if err := hasty.Close(); err != nil {
			t.Fatal(err)
		}
	}
	last := open(t, path, encrypted(path))
	e := settled(t, last)
	if e.Unfinished || e.Messages[""] != 0 || e.Messages[e.Key] != 450 {
		t.Errorf("Encryption: got %+v, want 450 messages with its key", e)
	}
	wantEntries(t, last, agentbridge.ActionEncrypt, fmt.Sprintf(`{"key":"%s","messages":450}`, e.Key))
	steal(t, "after it was encrypted bit by bit", filepath.Dir(path), secretText)
}

// While somebody reads, the WAL can't be cut off. Senders must not feel that
// somebody wants to, and once the reader is gone it happens.
func TestReseal_besideAReader(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	reader, s := open(t, path, sqlite.Options{Sealer: ringOf(path)}), open(t, path, sqlite.Options{Sealer: ringOf(path)})
	mustPost(t, s, "#build", secretText)
	reading, read, done := make(chan bool), make(chan bool), make(chan error)
	go func() {
		done <- reader.View(context.Background(), func(r store.Reader) error {
			_, err := r.LastEntry()
			close(reading)
			<-read
			return err
		})
	}()
	<-reading
	sealed := open(t, path, encrypted(path))
	until(t, "the messages are sealed", func() bool { return encryption(t, sealed).Messages[""] == 0 })
	for range 20 {
		start := time.Now()
		mustPost(t, s, "#build", secretText)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("a send beside a reader took %v", took)
		}
	}
	if e := encryption(t, sealed); !e.Unfinished {
		t.Errorf("Encryption beside a reader: got %+v, want it unfinished", e)
	}
	close(read)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	settled(t, sealed)
	steal(t, "when the reader is gone", filepath.Dir(path), secretText)
}
