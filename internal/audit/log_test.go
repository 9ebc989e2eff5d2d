package audit_test

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/audit"
)

const origin = "agentbridge/0123456789abcdef"

// row is an entry with what is kept beside it.
type row struct {
	agentbridge.Entry
	hashes []byte
}

// memory is a log that is no store: a test can do to it whatever somebody can
// who has the file.
type memory struct {
	rows   []row
	points []agentbridge.Checkpoint
	after  int64 // the last argument of WalkEntries
}

func (m *memory) LastEntry() (last int64, err error) {
	for _, r := range m.rows {
		last = max(last, r.Seq)
	}
	return last, nil
}

func (m *memory) WalkEntries(after int64, f func(agentbridge.Entry, []byte) (bool, error)) error {
	m.after = after
	sorted := slices.Clone(m.rows)
	slices.SortStableFunc(sorted, func(a, b row) int { return cmp.Compare(a.Seq, b.Seq) })
	lent := make([]byte, 0, 2048) // valid during the call only
	for _, r := range sorted {
		if r.Seq <= after {
			continue
		}
		lent = append(lent[:0], r.hashes...)
		more, err := f(r.Entry, lent)
		clear(lent)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (m *memory) EntryHashes(seq int64) ([]byte, error) {
	for _, r := range m.rows {
		if r.Seq == seq {
			return r.hashes, nil
		}
	}
	return nil, nil
}

func (m *memory) Checkpoints(f func(agentbridge.Checkpoint) (bool, error)) error {
	slices.SortStableFunc(m.points, func(a, b agentbridge.Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	for _, c := range m.points {
		if more, err := f(c); err != nil || !more {
			return err
		}
	}
	return nil
}

func (m *memory) clone() *memory {
	c := &memory{points: slices.Clone(m.points)}
	for _, r := range m.rows {
		r.hashes = slices.Clone(r.hashes)
		c.rows = append(c.rows, r)
	}
	return c
}

// rehash makes everything beside the entries fit again, as somebody can who
// has the file and no key.
func (m *memory) rehash() {
	var t audit.Tree
	for i := range m.rows {
		m.rows[i].Seq = int64(i + 1)
		m.rows[i].hashes = t.Append(nil, audit.AppendEntry(nil, m.rows[i].Entry))
	}
}

// sign makes a checkpoint of the first entries.
func (m *memory) sign(t testing.TB, key audit.Key, size int) agentbridge.Checkpoint {
	t.Helper()
	var tree audit.Tree
	for _, r := range m.rows[:size] {
		tree.Append(nil, audit.AppendEntry(nil, r.Entry))
	}
	c, err := key.Sign(key.Origin(), tree.Size(), tree.Root())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newLog is a log of so many entries with a checkpoint at each of some sizes.
func newLog(t testing.TB, key audit.Key, entries int, sizes ...int) *memory {
	t.Helper()
	m := &memory{}
	for i := range entries {
		m.rows = append(m.rows, row{Entry: agentbridge.Entry{
			At: time.UnixMicro(int64(1_790_000_000_000_000 + i)).UTC(), Actor: "alice", Action: agentbridge.ActionSend, Target: "#build",
			Detail: agentbridge.Metadata(fmt.Sprintf(`{"seq":%d}`, i)),
		}})
	}
	m.rehash()
	for _, size := range sizes {
		m.points = append(m.points, m.sign(t, key, size))
	}
	return m
}

func newKey(t testing.TB) audit.Key {
	t.Helper()
	key, err := audit.LoadOrCreateKey(filepath.Join(t.TempDir(), "audit.key"), origin)
	if err != nil {
		t.Fatalf("LoadOrCreateKey: got %v, want a key", err)
	}
	return key
}

// verify is Verify that has to be possible.
func verify(t testing.TB, log audit.Log, o audit.Options) audit.Report {
	t.Helper()
	r, err := audit.Verify(context.Background(), log, o)
	if err != nil {
		t.Fatalf("Verify: got %v, want a report", err)
	}
	return r
}
