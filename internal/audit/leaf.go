package audit

import "golang.org/x/mod/sumdb/tlog"

// LeafHash is an entry's hash in the tree: SHA-256 of a zero byte and the
// entry's text (AppendEntry).
func LeafHash(text []byte) Hash { return tlog.RecordHash(text) }
