package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"agentbridge"
)

// Options say what a log is held against.
type Options struct {
	// Verifier is the public key of the log (Key.Verifier), or several with spaces
	// between them if its key was replaced. Without it no checkpoint is looked at,
	// in the log or outside.
	Verifier string
	// Outside are checkpoints that were kept outside of the database: what finds
	// a log that was cut or rewritten together with its checkpoints.
	Outside []string
	// Since is how many of the first entries are taken for good, because an
	// outside checkpoint of exactly this size covers them; 0 for none.
	Since int64
}

// Kind is what is wrong with a log.
type Kind string

const (
	Edit         Kind = "edit"          // an entry, or what is kept beside it, is not what was logged
	Gap          Kind = "gap"           // entries are missing between others
	Fork         Kind = "fork"          // two entries have one number, or two checkpoints of one size differ
	Truncated    Kind = "truncated"     // entries are missing at the end
	BadSignature Kind = "bad-signature" // a checkpoint is not what the key's holder signed
	Inconsistent Kind = "inconsistent"  // entries are not those that a checkpoint was made of
)

// Fault is one thing that is wrong.
type Fault struct {
	Seq    int64 // the first entry that is concerned; for a checkpoint that says nothing, its size in the log; 0 if none can be named
	Kind   Kind
	Detail string // one sentence
}

// maxFaults bounds a report: a log with more is not read entry by entry.
const maxFaults = 100

// Report is what Verify found.
type Report struct {
	Size           int64     // the number of the last entry
	Root           Hash      // of the entries as they are
	Faults         []Fault   // by Seq, the first 100 that were found
	Anchored       bool      // no faults, and there is an outside checkpoint
	Checkpoints    int       // how many in the log hold
	LastCheckpoint Statement // the largest of them
	Uncovered      int64     // entries behind the last checkpoint that holds, in the log or outside
}

// Verify holds a log against itself, its checkpoints and those outside. An error
// means that this could not be done; what is wrong with the log is in the
// report, the first entry first.
//
// A log without faults is what it was when its last checkpoint was signed, as
// far as this one goes and unless its key was misused or both were replaced by
// older ones; an outside checkpoint rules that out up to its size.
func Verify(ctx context.Context, log Log, o Options) (Report, error) {
	x, err := newExamination(log, o)
	if err != nil {
		return Report{}, err
	}
	whole, err := x.trust(log, o.Since)
	if err != nil {
		return Report{}, err
	}
	if whole {
		if err := x.read(ctx, log); err != nil {
			return Report{}, err
		}
		x.end()
	}
	return x.result(), nil
}

// trust begins behind entries that an outside checkpoint covers. It is false if
// they are not what that one says: then there is nothing to begin at.
func (x *examination) trust(log Log, since int64) (bool, error) {
	if since == 0 {
		return true, nil
	}
	i := slices.IndexFunc(x.marks, func(m mark) bool { return m.outside && m.Size == since })
	if i < 0 {
		return false, fmt.Errorf("no outside checkpoint of %d entries was given that is signed with the log's key; without one none of them can be taken for good", since)
	}
	head, err := log.LastEntry()
	if err != nil {
		return false, err
	}
	x.tree, err = LoadTree(min(since, head), log.EntryHashes)
	if d, ok := errors.AsType[*damage](err); ok {
		x.fault(d.seq, Edit, "%v", d)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if head < since {
		x.fault(head+1, Truncated, "the log ends with entry %d, and the outside checkpoint was made of %d", head, since)
		return false, nil
	}
	err = x.earlier(log, since)
	x.reach()
	return len(x.faults) == 0, err
}

// earlier compares the outside checkpoints of less than what is taken for good.
func (x *examination) earlier(log Log, since int64) error {
	for _, m := range x.marks {
		if !m.outside || m.Size >= since {
			continue
		}
		t, err := LoadTree(m.Size, log.EntryHashes)
		if d, ok := errors.AsType[*damage](err); ok {
			x.fault(d.seq, Edit, "%v", d)
			continue
		}
		if err != nil {
			return err
		}
		if t.Root() != m.Root {
			x.fault(1, Inconsistent, "the first %d entries are not those that an outside checkpoint was made of", m.Size)
		}
	}
	return nil
}

// batch is entries on their way from who reads to who hashes.
type batch struct {
	entries []agentbridge.Entry
	hashes  []byte // of all of them
	ends    []int  // of each, in hashes
}

const batchSize = 512

func (b *batch) add(e agentbridge.Entry, hashes []byte) {
	b.entries = append(b.entries, e)
	b.hashes = append(b.hashes, hashes...)
	b.ends = append(b.ends, len(b.hashes))
}

func (b *batch) clear() { b.entries, b.hashes, b.ends = b.entries[:0], b.hashes[:0], b.ends[:0] }

// read has the entries examined by a goroutine of its own, while this one waits
// for the store.
func (x *examination) read(ctx context.Context, log Log) error {
	full, empty := make(chan *batch, 4), make(chan *batch, 6)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := range full {
			x.batch(b)
			b.clear()
			empty <- b // there is room for all that are ever made
		}
	}()
	from := x.tree.size
	if from == 0 {
		from = math.MinInt64 // there may be entries with numbers that none can have
	}
	b := &batch{}
	err := log.WalkEntries(from, func(e agentbridge.Entry, hashes []byte) (bool, error) {
		b.add(e, hashes)
		if len(b.entries) < batchSize {
			return true, nil
		}
		full <- b
		select {
		case b = <-empty:
		default:
			b = &batch{}
		}
		return true, ctx.Err()
	})
	full <- b
	close(full)
	<-done
	return err
}
