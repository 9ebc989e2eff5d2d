package sqlite

import (
	"errors"
	"fmt"

	"agentbridge/internal/audit"
)

// hashedVersion is the step since which entries have hashes beside them.
const hashedVersion = 4

// gapError is the number of an entry that is not there: there is no tree over a
// log that lacks one.
type gapError int64

func (e gapError) Error() string { return fmt.Sprintf("its audit log lacks entry %d", int64(e)) }

// hashOlder puts hashes beside the entries of a file that is older than these, in
// the transaction of the step that makes room for them.
func (s *session) hashOlder(path string) error {
	err := s.hashEntries(&audit.Tree{})
	if gap, ok := errors.AsType[gapError](err); ok {
		return unusable(path, "%v, so somebody tampered with it and it can't be upgraded; restore a backup or name another file", gap)
	}
	return err
}

// hashEntries puts the tree's hashes beside the entries behind those that it has,
// and grows it over them. What stands there is taken as it is found.
func (s *session) hashEntries(tree *audit.Tree) error {
	var text, hashes []byte
	for {
		list, err := s.entriesAfter(tree.Size(), 1000) // a statement that changes rows must not be inside one that reads them
		if err != nil || len(list) == 0 {
			return err
		}
		for _, e := range list {
			if e.Seq != tree.Size()+1 {
				return gapError(tree.Size() + 1)
			}
			text = audit.AppendEntry(text[:0], e)
			hashes = tree.Append(hashes[:0], text)
			if err := s.exec("UPDATE audit SET hashes = ? WHERE seq = ?", hashes, e.Seq); err != nil {
				return err
			}
		}
	}
}

// hashLate puts hashes beside the last entries, which a process wrote that
// began before the file had any. It gets by without them until it ends, and
// nobody else may fail over that.
func (s *session) hashLate(head int64) (tree audit.Tree, err error) {
	found, ok, err := s.one(`
		SELECT seq
		FROM audit
		WHERE seq <= ? AND length(hashes) > 0
		ORDER BY seq DESC
		LIMIT 1`, head)
	if err != nil {
		return tree, err
	}
	if ok {
		if tree, err = audit.LoadTree(found.int(0), s.entryHashes); err != nil {
			return tree, err
		}
	}
	err = s.hashEntries(&tree)
	return tree, err
}
