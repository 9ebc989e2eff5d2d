// Package audit is the arithmetic of a log that shows tampering: how an entry
// is encoded, the Merkle tree over all entries (RFC 6962), checkpoints of it
// that are signed, and proofs. It keeps nothing but the key's file, and knows no
// store.
package audit

import (
	"agentbridge"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash of an entry or of a node above entries.
type Hash = tlog.Hash

// Log is what a log can be asked. A snapshot of a store (store.Reader) is one.
type Log interface {
	// LastEntry is the number of the last entry, 0 if there is none.
	LastEntry() (int64, error)
	// WalkEntries calls f with each entry behind one and the hashes that are kept
	// beside it, oldest first, until f returns false. The hashes are valid during
	// the call only.
	WalkEntries(after int64, f func(e agentbridge.Entry, hashes []byte) (bool, error)) error
	// EntryHashes returns the hashes that are kept beside an entry, nil if there
	// is no such entry.
	EntryHashes(seq int64) ([]byte, error)
	// Checkpoints calls f with each checkpoint, smallest first.
	Checkpoints(f func(agentbridge.Checkpoint) (bool, error)) error
}
