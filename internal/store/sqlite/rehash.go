package sqlite

import (
	"log/slog"

	"agentbridge/internal/audit"
)

// hashedVersion is the step since which entries have hashes beside them.
const hashedVersion = 4

// manyEntries take long enough to hash (about half a second) that somebody who
// waits is told.
const manyEntries = 50_000

// hashOlder puts hashes beside the entries of a file that is older than these, in
// the transaction of the step that makes room for them. What stands there is
// taken as it is found.
func (s *session) hashOlder(path string, log *slog.Logger) error {
	head, err := s.head()
	if err != nil {
		return err
	}
	if head > manyEntries {
		log.Warn("the database is of an earlier version and is upgraded now, which takes about ten seconds for a million audit entries; nobody can use it until that is done", "db", path, "entries", head)
	}
	var tree audit.Tree
	var text, hashes []byte
	for {
		list, err := s.entriesAfter(tree.Size(), 1000) // a statement that changes rows must not be inside one that reads them
		if err != nil || len(list) == 0 {
			return err
		}
		for _, e := range list {
			if missing := tree.Size() + 1; e.Seq != missing {
				return unusable(path, "its audit log lacks entry %d, so somebody tampered with it and it can't be upgraded; restore a backup or name another file", missing)
			}
			text = audit.AppendEntry(text[:0], e)
			hashes = tree.Append(hashes[:0], text)
			if err := s.exec("UPDATE audit SET hashes = ? WHERE seq = ?", hashes, e.Seq); err != nil {
				return err
			}
		}
	}
}
