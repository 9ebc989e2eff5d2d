package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"agentbridge"
	"agentbridge/internal/bench"
)

// workshop is what one run of the benchmark has made: a directory, processes,
// an engine. All of it ends with close.
type workshop struct {
	settings bench.Settings
	dir      string
	limits   string // of our own server, "" if there is none
	targets  []*bench.Target

	server *ownServer
	pipes  pipes
	engine *bridge
}

// setUp makes a directory for this run in one that is there.
func (w *workshop) setUp(parent string, stderr io.Writer) error {
	dir, err := os.MkdirTemp(parent, "agentbridge-bench-")
	if err != nil {
		return usageError{fmt.Errorf("can't write to --dir %s (%w); name a directory that exists and that you may write to", parent, errors.Unwrap(err))}
	}
	w.dir, w.settings.Dir = dir, dir
	if bench.InMemory(bench.Filesystem(dir)) {
		warnf(stderr, "%s is kept in memory: nothing is written to a disk there, and the figures say nothing about one; name a directory on a disk with --dir", parent)
	}
	return nil
}

// own starts a bridge of ours, with all doors.
func (w *workshop) own(ctx context.Context, limits string) error {
	w.limits = limits
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // it never fails
	token := hex.EncodeToString(raw[:])
	if err := os.WriteFile(w.inDir("token"), []byte(token), 0o600); err != nil {
		return fmt.Errorf("can't write to --dir (%w); make room there or name another directory", err)
	}
	w.server = &ownServer{db: w.inDir("bridge.db"), token: w.inDir("token"), limits: limits, streams: streamsFor(w.settings)}
	if err := w.server.start(ctx, 0); err != nil {
		return err
	}
	if err := w.openEngine(ctx); err != nil {
		return err
	}
	w.targets = slices.Insert(w.targets, 0, &bench.Target{ // what others are compared with
		Name:   agentbridge.Service + " " + agentbridge.Version,
		URL:    w.server.url,
		Token:  token,
		Bridge: w.engine,
		Stdio: func(ctx context.Context) (io.ReadWriteCloser, error) {
			return w.pipes.open(ctx, "stdio", "--db", w.server.db, "--limits", limits)
		},
		PID:     w.server.pid,
		DB:      w.server.db,
		Restart: w.server.restart,
		Wrong:   wrongTokens(token),
	})
	return nil
}

// streamsFor is how many event streams and sessions a server must allow: those
// of the scenario idle, of the most agents, and room for the rest.
func streamsFor(s bench.Settings) int {
	most := s.Sessions
	for _, n := range s.Agents {
		most = max(most, n)
	}
	return most + 1000
}

// openEngine opens a bridge in this process, on a database of its own: two
// processes on one would measure each other.
func (w *workshop) openEngine(ctx context.Context) error {
	f := storeFlags{db: w.inDir("engine.db")}
	f.limitFlags.table = w.limits
	redactor, err := f.redactor()
	if err != nil {
		return err
	}
	w.engine, err = f.open(ctx, newLogger(io.Discard, redactor), redactor)
	return err
}

// close ends everything that was started, and removes the directory. It may be
// called twice.
func (w *workshop) close() error {
	err := w.pipes.close()
	if w.server != nil {
		err = errors.Join(err, w.server.stop())
	}
	if w.engine != nil {
		err = errors.Join(err, w.engine.close())
		w.engine = nil
	}
	if w.dir != "" {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	return err
}
