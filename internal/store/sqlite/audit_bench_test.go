package sqlite_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
)

// typical is an entry as a send makes it.
func typical(i int) agentbridge.Entry {
	return agentbridge.Entry{
		At: time.UnixMicro(1_790_000_000_000_000 + int64(i)), Actor: "mac-reviewer", Action: agentbridge.ActionSend, Target: "payments:worker",
		Detail: agentbridge.Metadata(fmt.Sprintf(`{"bytes":1024,"id":"0198c2b7-1111-8222-b333-444455556666","seq":%d}`, i)),
	}
}

// BenchmarkLog is what an audit entry adds to a transaction: everything but the
// commit.
func BenchmarkLog(b *testing.B) {
	s := open(b, newPath(b), sqlite.Options{Alone: true})
	e := typical(1)
	b.ReportAllocs()
	if err := s.Update(context.Background(), func(t store.Tx) error {
		for b.Loop() {
			if err := t.Log(e); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}

// fillLog writes so many entries with a checkpoint after every 256 of them.
func fillLog(b *testing.B, s *sqlite.Store, entries int, key audit.Key) {
	b.Helper()
	var tree audit.Tree
	for done := 0; done < entries; {
		err := s.Update(context.Background(), func(t store.Tx) error {
			for range min(50_000, entries-done) {
				e := typical(done)
				if err := t.Log(e); err != nil {
					return err
				}
				done++
				e.Seq = int64(done)
				tree.Append(nil, audit.AppendEntry(nil, e))
				if done%256 != 0 {
					continue
				}
				c, err := key.Sign(key.Origin(), tree.Size(), tree.Root())
				if err != nil {
					return err
				}
				if err := t.PutCheckpoint(c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify looks through a log of a million entries and 3,906
// checkpoints.
func BenchmarkVerify(b *testing.B) {
	const entries = 1_000_000
	path := newPath(b)
	key, err := audit.LoadOrCreateKey(path+".audit.key", "agentbridge/0123456789abcdef")
	if err != nil {
		b.Fatal(err)
	}
	s := open(b, path, sqlite.Options{Alone: true})
	fillLog(b, s, entries, key)
	for b.Loop() {
		var r audit.Report
		err := s.View(context.Background(), func(v store.Reader) (err error) {
			r, err = audit.Verify(context.Background(), v, audit.Options{Verifier: key.Verifier()})
			return err
		})
		if err != nil || r.Size != entries || len(r.Faults) > 0 || r.Checkpoints != entries/256 {
			b.Fatalf("Verify: got %+v, %v, want %d entries without a fault", r, err, entries)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/entries, "µs/entry")
}

// BenchmarkUpgradeLog is the start that puts hashes beside a million entries of
// an older version.
func BenchmarkUpgradeLog(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		path := newPath(b)
		older(b, path, 1_000_000)
		b.StartTimer()
		s, err := sqlite.Open(path, sqlite.Options{Alone: true})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
