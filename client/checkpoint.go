package client

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"sync"

	"agentbridge"
)

// statement is what a checkpoint says: the log of this origin has so many
// entries, whose tree has this root (C2SP tlog-checkpoint). The zero value says
// nothing.
type statement struct {
	origin string
	size   int64
	root   string
}

var errCheckpoint = errors.New("the checkpoint in its answer makes no sense")

// readCheckpoint reads a note, "" for none. Whether its signature is the
// bridge's is for those who have its key; a client looks for a log that
// contradicts what it was told before.
func readCheckpoint(note string) (statement, error) {
	if note == "" {
		return statement{}, nil
	}
	lines := strings.Split(note, "\n")
	if len(lines) < 4 {
		return statement{}, errCheckpoint
	}
	s := statement{origin: lines[0], root: lines[2]}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	hash, bad := base64.StdEncoding.DecodeString(s.root)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] || bad != nil || len(hash) != 32 || s.origin == "" {
		return statement{}, errCheckpoint
	}
	s.size = size
	return s, nil
}

// witness remembers the largest checkpoint that a bridge has handed out.
type witness struct {
	mu   sync.Mutex // guards seen
	seen statement
}

// before is what was known when a question was asked. An answer is held against
// that, and not against what answers to later questions said meanwhile.
func (w *witness) before() statement {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// check holds a new statement against what was known before it was asked for.
// One that contradicts it is refused and not kept, so that the next is refused
// too.
func (w *witness) check(before, now statement) error {
	switch {
	case before.size == 0:
	case now.size < before.size:
		return agentbridge.Refuse(agentbridge.Unusable, "", "the bridge's audit log has become shorter than it was (%d entries, now %d): "+
			"it was rolled back or replaced; ask its operator for `agentbridge audit verify --checkpoint`", before.size, now.size)
	case now.origin != before.origin || now.size == before.size && now.root != before.root:
		return agentbridge.Refuse(agentbridge.Unusable, "", "the bridge's audit log is not the one that it was (its first %d entries are others): "+
			"it was rewritten or replaced; ask its operator for `agentbridge audit verify --checkpoint`", before.size)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.size > w.seen.size {
		w.seen = now
	}
	return nil
}
