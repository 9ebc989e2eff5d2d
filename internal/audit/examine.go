package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"agentbridge"

	"golang.org/x/mod/sumdb/tlog"
)

// examination is a log that is being looked through, entry after entry. One
// goroutine at a time has it.
type examination struct {
	verifier *verifier // nil: no checkpoints are looked at
	marks    []mark    // checkpoints, smallest first
	next     int       // of them, the first that has not been reached
	last     mark      // the last one that was signed
	held     int64     // the size of the last one that holds, inside or outside
	unheld   bool      // one behind it does not

	tree Tree
	// unsure has bit l set if edge[l] of the tree stands over entries that are
	// missing or of which a fault tells already. What such a node spoils is no
	// further fault.
	unsure uint64

	text, hashes []byte // scratch

	faults []Fault
	report Report
	cut    mark // the largest checkpoint that was made of more
}

// mark is a checkpoint and where it came from.
type mark struct {
	Statement        // of one inside: only what its size in the log is, until it is opened
	note      string // of one inside
	outside   bool
}

func newExamination(log Log, o Options) (*examination, error) {
	x := &examination{}
	if o.Verifier == "" {
		if len(o.Outside) > 0 || o.Since != 0 {
			return nil, fmt.Errorf("a checkpoint can't be checked without the log's verifier key")
		}
		return x, nil
	}
	var err error
	if x.verifier, err = newVerifier(o.Verifier); err != nil {
		return nil, err
	}
	for _, text := range o.Outside {
		switch s, err := x.verifier.open(text); {
		case err == errMalformed:
			return nil, fmt.Errorf("outside checkpoint: %w", err)
		case err != nil:
			x.fault(0, BadSignature, "outside checkpoint: %v", err)
		default:
			x.marks = append(x.marks, mark{Statement: s, outside: true})
		}
	}
	x.report.Anchored = len(o.Outside) > 0
	err = log.Checkpoints(func(c agentbridge.Checkpoint) (bool, error) {
		x.marks = append(x.marks, mark{Statement: Statement{Size: c.Size}, note: c.Note})
		return true, nil
	})
	slices.SortStableFunc(x.marks, func(a, b mark) int { return cmp.Compare(a.Size, b.Size) })
	return x, err
}

func (x *examination) fault(seq int64, kind Kind, format string, args ...any) {
	if len(x.faults) < maxFaults {
		x.faults = append(x.faults, Fault{seq, kind, fmt.Sprintf(format, args...)})
	}
}

func (x *examination) batch(b *batch) {
	start := 0
	for i, e := range b.entries {
		x.entry(e, b.hashes[start:b.ends[i]])
		start = b.ends[i]
	}
}

// entry takes the next entry of the log and what is kept beside it.
func (x *examination) entry(e agentbridge.Entry, hashes []byte) {
	x.reach() // those of no entries
	switch due := x.tree.size + 1; {
	case e.Seq < due:
		x.fault(e.Seq, Fork, "entry %d is there beside those that were logged", e.Seq)
		return
	case e.Seq > due:
		x.fault(due, Gap, "%s missing", span(due, e.Seq-1))
		x.skip(e.Seq - 1)
	}
	x.text = AppendEntry(x.text[:0], e)
	x.hashes = x.tree.Append(x.hashes[:0], x.text)
	if x.unsure != 0 || !bytes.Equal(x.hashes, hashes) {
		x.compare(e.Seq, hashes)
	}
	x.reach()
}

// compare finds what is wrong with an entry or the hashes kept beside it, and
// tells the first of it.
func (x *examination) compare(seq int64, kept []byte) {
	const size = tlog.HashSize
	same := func(level int) bool {
		end := (level + 1) * size
		return len(kept) >= end && bytes.Equal(kept[end-size:end], x.hashes[end-size:end])
	}
	unsure := !same(0)
	told := true
	switch {
	case len(kept) != len(x.hashes):
		x.fault(seq, Edit, "beside entry %d are %d bytes of hashes, not %d", seq, len(kept), len(x.hashes))
	case unsure:
		x.fault(seq, Edit, "entry %d is not what was logged: its hash is another one", seq)
	default:
		told = false
	}
	level := bits.TrailingZeros64(uint64(seq))
	for l := 1; l <= level; l++ {
		below := unsure || x.unsure>>(l-1)&1 == 1
		if !told && !below && !same(l) {
			x.fault(seq, Edit, "the hash of entries %d to %d, which is kept beside the last of them, is not theirs", seq+1-1<<l, seq)
			told = true
		}
		unsure = below && !same(l) // a node that fits speaks for all below it
	}
	x.unsure &^= 1<<(level+1) - 1
	if unsure {
		x.unsure |= 1 << level
	}
}

// skip goes on as if the entries up to one had been there. What stood over whole
// parts of the tree before them still does.
func (x *examination) skip(to int64) {
	end := int64(0)
	for rest := uint64(to); rest != 0; {
		level := bits.Len64(rest) - 1
		rest &^= 1 << level
		if end += 1 << level; end > x.tree.size {
			x.unsure |= 1 << level
		}
	}
	x.unsure &= uint64(to)
	x.tree.size = to
}

// result is the report on what has been seen.
func (x *examination) result() Report {
	r := &x.report
	slices.SortStableFunc(x.faults, func(a, b Fault) int { return cmp.Compare(a.Seq, b.Seq) })
	r.Faults = x.faults
	r.Size = x.tree.size
	r.Root = x.tree.Root()
	r.Uncovered = max(0, r.Size-x.held)
	r.Anchored = r.Anchored && len(x.faults) == 0
	return *r
}

func span(from, to int64) string {
	if from == to {
		return fmt.Sprintf("entry %d is", from)
	}
	return fmt.Sprintf("entries %d to %d are", from, to)
}
