package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/store"
)

// When the audit log is signed: after so many entries, after so much time if
// there is something new, at the start for what a killed process left, and at
// the end.
const (
	checkpointEntries = 256
	checkpointTime    = time.Minute
)

// notary signs checkpoints of the audit log. What it has signed it remembers,
// and it signs nothing that contradicts it: a signature under two histories
// would be worth nothing under either.
type notary struct {
	key     audit.Key
	sidecar sidecar

	entries atomic.Int64  // about how many are not signed
	fresh   chan struct{} // there is one
	full    chan struct{} // there are checkpointEntries

	// These belong to the goroutine that signs: the loop, and then Close.
	last    audit.Statement // the largest that is known to be signed; Size 0 for none
	refuses bool            // the log is not the one that was signed
	unkept  []string        // notes that were signed and are not beside the database, the oldest first
}

func newNotary(file string) *notary {
	return &notary{sidecar: sidecar(file), fresh: make(chan struct{}, 1), full: make(chan struct{}, 1)}
}

// count notes that entries were written, by this process or another one.
func (n *notary) count(entries int) {
	poke(n.fresh)
	if n.entries.Add(int64(max(entries, 1))) >= checkpointEntries {
		poke(n.full)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it knows
	}
}

// checkpointLoop signs until Close, which signs what is left.
func (r *Relay) checkpointLoop() {
	r.notary.last = r.signedBefore()
	r.notary.unkept = r.unkeptBefore()
	for least := int64(1); least > 0; least = r.notary.wait(r.done) {
		r.checkpoint(least)
	}
}

// wait returns when it is time to sign, and how many entries should make it
// worth while; 0 when done is closed.
func (n *notary) wait(done <-chan struct{}) (least int64) {
	select {
	case <-done:
		return 0
	case <-n.fresh:
	}
	timer := time.NewTimer(checkpointTime)
	defer timer.Stop()
	select {
	case <-done:
		return 0
	case <-n.full:
		return checkpointEntries
	case <-timer.C:
		return 1
	}
}

// signedBefore is the largest checkpoint that the sidecar knows of. What the
// database knows may have been rolled back with it.
func (r *Relay) signedBefore() (last audit.Statement) {
	notes, err := r.notary.sidecar.tail()
	if err != nil {
		r.log.Error("the checkpoints beside the database can't be read", "file", r.notary.sidecar, "error", err)
	}
	for _, text := range notes {
		if s, err := audit.OpenCheckpoint(text, r.notary.key.Verifier()); err == nil && s.Size > last.Size {
			last = s
		}
	}
	return last
}

// unkeptBefore are the notes in the database that an earlier start could not
// write beside it: those larger than all that are there. Who took the file away
// gets only the last one back.
func (r *Relay) unkeptBefore() (notes []string) {
	beside := r.notary.last.Size
	err := r.store.View(context.Background(), func(v store.Reader) error {
		last, err := lastCheckpoint(v)
		if err != nil || r.notary.sidecar == "" || last.Size <= beside {
			return err
		}
		if beside == 0 {
			notes = []string{last.Note}
			return nil
		}
		return v.Checkpoints(func(c agentbridge.Checkpoint) (bool, error) {
			if c.Size > beside {
				notes = append(notes, c.Note)
			}
			return true, nil
		})
	})
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		r.log.Error("the checkpoints in the database can't be read", "error", err)
	}
	return notes
}

// checkpoint signs the log if at least so many entries are not signed. Whatever
// goes wrong is logged: messages matter more.
func (r *Relay) checkpoint(least int64) {
	n := r.notary
	n.entries.Store(0) // what is written from here on may be signed twice, and is not forgotten
	select {
	case <-n.full:
	default:
	}
	err := r.sign(context.Background(), least)
	if err == nil { // the log is the one that was signed
		n.refuses = false
		r.keep()
	}
	if err == nil || agentbridge.CodeOf(err) == agentbridge.Closed {
		return
	}
	if contradiction, ok := errors.AsType[contradictionError](err); ok {
		if !n.refuses {
			r.log.Error("the audit log is not the one that was signed before, and is not signed any more; look at it with agentbridge audit verify, or if you restored a backup on purpose go on with agentbridge audit new-key",
				"error", contradiction)
		}
		n.refuses = true
		return
	}
	r.log.Error("the audit log could not be signed; it will be tried again with the next entries", "error", err)
}

// keep writes beside the database what was signed.
func (r *Relay) keep() {
	n := r.notary
	if len(n.unkept) == 0 {
		return
	}
	if err := n.sidecar.append(strings.Join(n.unkept, "")); err != nil {
		r.log.Error("a checkpoint was signed and is in the database, but could not be written to the file beside it; it will be tried again with the next one, and at the next start",
			"file", n.sidecar, "error", err)
		return
	}
	n.unkept = nil
}

// contradictionError is what a notary finds that was made to sign twice.
type contradictionError struct{ error }

func (r *Relay) sign(ctx context.Context, least int64) error {
	n := r.notary
	s := audit.Statement{Origin: n.key.Origin()}
	due := false
	// Hashing and signing take place on a snapshot, so that no writer waits.
	err := r.store.View(ctx, func(v store.Reader) (err error) {
		if s.Size, due, err = unsigned(v, least); err != nil || !due && n.last.Size == 0 && len(n.unkept) == 0 {
			return err
		}
		if err := n.agree(v, s.Size); err != nil || !due {
			return err
		}
		tree, err := audit.LoadTree(s.Size, v.EntryHashes)
		s.Root = tree.Root()
		return err
	})
	if err != nil || !due {
		return err
	}
	c, err := n.key.Sign(s.Origin, s.Size, s.Root)
	if err != nil {
		return err
	}
	err = r.store.Update(ctx, func(t store.Tx) error {
		if _, due, err = unsigned(t, least); err != nil || !due { // another process was faster
			return err
		}
		return t.PutCheckpoint(c)
	})
	if err != nil || !due {
		return err
	}
	n.last = s
	n.unkept = append(n.unkept, c.Note)
	return nil
}

// unsigned tells how long the log is, and whether so many entries stand behind
// the last checkpoint.
func unsigned(v store.Reader, least int64) (size int64, due bool, err error) {
	if size, err = v.LastEntry(); err != nil {
		return 0, false, err
	}
	last, err := lastCheckpoint(v)
	return size, size-last.Size >= least, err
}

// agree holds the log against what is known to be signed.
func (n *notary) agree(v store.Reader, size int64) error {
	name, err := readAuditName(v)
	if err != nil {
		return err
	}
	if name.verifier() != n.key.Verifier() {
		return contradictionError{errors.New("it is signed with another key now; restart this bridge if it was replaced by agentbridge audit new-key")}
	}
	last, err := lastCheckpoint(v)
	if err != nil {
		return err
	}
	if last.Size > n.last.Size { // another process's, or of an earlier start
		s, err := audit.OpenCheckpoint(last.Note, strings.Join(name.verifiers, " "))
		if err == nil && s.Size != last.Size {
			err = fmt.Errorf("it is of %d entries", s.Size)
		}
		if err != nil {
			return contradictionError{fmt.Errorf("the checkpoint of %d entries: %w", last.Size, err)}
		}
		n.last = s
	}
	if n.last.Size == 0 { // it was never signed
		return nil
	}
	if n.last.Size > size {
		return contradictionError{fmt.Errorf("%d entries were signed, and there are %d", n.last.Size, size)}
	}
	tree, err := audit.LoadTree(n.last.Size, v.EntryHashes)
	if err != nil {
		return contradictionError{err}
	}
	if tree.Root() != n.last.Root {
		return contradictionError{fmt.Errorf("the first %d entries are not those that were signed", n.last.Size)}
	}
	return nil
}

// lastCheckpoint is the stored checkpoint of the most entries, its zero value if
// there is none.
func lastCheckpoint(v store.Reader) (agentbridge.Checkpoint, error) {
	c, _, err := v.LastCheckpoint()
	return c, err
}
