package audit_test

import (
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/audit"
)

// BenchmarkAppend is what the tree adds to a send: the text of an entry, its
// hash, and on average one node.
func BenchmarkAppend(b *testing.B) {
	e := agentbridge.Entry{
		At: time.Now(), Actor: "mac-reviewer", Action: agentbridge.ActionSend, Target: "payments:worker",
		Detail: agentbridge.Metadata(`{"bytes":1024,"id":"0198c2b7-1111-8222-b333-444455556666","seq":12345}`),
	}
	var tree audit.Tree
	var text, hashes []byte
	b.ReportAllocs()
	for b.Loop() {
		e.Seq = tree.Size() + 1
		text = audit.AppendEntry(text[:0], e)
		hashes = tree.Append(hashes[:0], text)
	}
}
