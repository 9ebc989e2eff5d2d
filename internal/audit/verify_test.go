package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/audit"
)

// attack is what somebody does to a log of 20 entries that was signed at 8 and
// 16, of which somebody else kept the checkpoint of 16 outside.
type attack struct {
	name   string
	do     func(t *testing.T, m *memory, key audit.Key)
	inside []audit.Fault // what is found without the outside checkpoint, by Seq and Kind
	first  audit.Fault   // what is found first with it, by Seq and Kind
}

func at(seq int64, kinds ...audit.Kind) (faults []audit.Fault) {
	for _, k := range kinds {
		faults = append(faults, audit.Fault{Seq: seq, Kind: k})
	}
	return faults
}

func one(seq int64, kind audit.Kind) audit.Fault { return audit.Fault{Seq: seq, Kind: kind} }

var attacks = []attack{
	{"a row is edited", func(_ *testing.T, m *memory, _ audit.Key) { m.rows[4].Actor = "mallory" },
		at(5, audit.Edit), one(5, audit.Edit)},
	{"two rows are edited", func(_ *testing.T, m *memory, _ audit.Key) { m.rows[4].Target = "#x"; m.rows[17].Detail = nil },
		append(at(5, audit.Edit), one(18, audit.Edit)), one(5, audit.Edit)},
	{"a row is edited with its own hash", func(_ *testing.T, m *memory, _ audit.Key) {
		m.rows[4].Actor = "mallory"
		var t audit.Tree
		copy(m.rows[4].hashes, t.Append(nil, audit.AppendEntry(nil, m.rows[4].Entry)))
	}, append(at(1, audit.Inconsistent), one(6, audit.Edit), one(8, audit.Edit), one(16, audit.Edit)), one(1, audit.Inconsistent)},
	{"a middle row is deleted", func(_ *testing.T, m *memory, _ audit.Key) { m.rows = slices.Delete(m.rows, 4, 5) },
		at(5, audit.Gap), one(5, audit.Gap)},
	{"the first rows are deleted", func(_ *testing.T, m *memory, _ audit.Key) { m.rows = m.rows[3:] },
		at(1, audit.Gap), one(1, audit.Gap)},
	{"a row is deleted and the others move up", func(_ *testing.T, m *memory, _ audit.Key) {
		m.rows = slices.Delete(m.rows, 17, 18)
		m.rows[17].Seq, m.rows[18].Seq = 18, 19
	}, append(at(18, audit.Edit), one(19, audit.Edit)), one(18, audit.Edit)},
	{"rows are reordered", func(_ *testing.T, m *memory, _ audit.Key) { m.rows[4].Seq, m.rows[9].Seq = 10, 5 },
		append(at(5, audit.Edit), one(10, audit.Edit)), one(5, audit.Edit)},
	{"a row is inserted", func(_ *testing.T, m *memory, _ audit.Key) {
		m.rows = slices.Insert(m.rows, 19, row{Entry: m.rows[3].Entry, hashes: m.rows[18].hashes})
		m.rows[19].Seq, m.rows[20].Seq = 20, 21
	}, append(at(20, audit.Edit), one(21, audit.Edit)), one(20, audit.Edit)},
	{"a row is added far behind", func(_ *testing.T, m *memory, _ audit.Key) {
		m.rows = append(m.rows, row{Entry: agentbridge.Entry{Seq: 1<<62 + 1}})
	}, append(at(21, audit.Gap), one(1<<62+1, audit.Edit)), one(21, audit.Gap)},
	{"a row is added with no number that there is", func(_ *testing.T, m *memory, _ audit.Key) {
		m.rows = append(m.rows, row{Entry: agentbridge.Entry{Seq: -3}})
	}, at(-3, audit.Fork), one(-3, audit.Fork)},
	{"a number is there twice", func(_ *testing.T, m *memory, _ audit.Key) { m.rows = append(m.rows, m.rows[6]) },
		at(7, audit.Fork), one(7, audit.Fork)},
	{"the tail is cut", func(_ *testing.T, m *memory, _ audit.Key) { m.rows = m.rows[:10] },
		at(11, audit.Truncated), one(11, audit.Truncated)},
	{"everything is deleted", func(_ *testing.T, m *memory, _ audit.Key) { m.rows = nil },
		at(1, audit.Truncated), one(1, audit.Truncated)},
	{"the tail is cut and the checkpoints of it", func(_ *testing.T, m *memory, _ audit.Key) { m.rows, m.points = m.rows[:10], m.points[:1] },
		nil, one(11, audit.Truncated)},
	{"everything is rewritten without the key", func(_ *testing.T, m *memory, _ audit.Key) { m.rows[9].Actor = "mallory"; m.rehash() },
		at(9, audit.Inconsistent), one(9, audit.Inconsistent)},
	{"everything is rewritten and signed with another key", func(t *testing.T, m *memory, _ audit.Key) {
		m.rows[9].Actor = "mallory"
		m.rehash()
		m.points[1] = m.sign(t, newKey(t), 16)
	}, at(16, audit.BadSignature), one(9, audit.Inconsistent)},
	{"everything is rewritten with the key", func(t *testing.T, m *memory, key audit.Key) {
		m.rows[9].Actor = "mallory"
		m.rehash()
		m.points = []agentbridge.Checkpoint{m.sign(t, key, 8), m.sign(t, key, 18)}
	}, nil, one(9, audit.Inconsistent)},
	{"everything is rewritten with the key, at the same sizes", func(t *testing.T, m *memory, key audit.Key) {
		m.rows[3].Actor = "mallory"
		m.rehash()
		m.points = []agentbridge.Checkpoint{m.sign(t, key, 8), m.sign(t, key, 16)}
	}, nil, one(9, audit.Inconsistent)},
	{"a checkpoint is moved to another size", func(_ *testing.T, m *memory, _ audit.Key) { m.points[1].Size = 17 },
		at(17, audit.BadSignature), one(17, audit.BadSignature)},
	{"a checkpoint is moved behind the end", func(_ *testing.T, m *memory, _ audit.Key) { m.points[1].Size = 1 << 61 },
		at(1<<61, audit.BadSignature), one(1<<61, audit.BadSignature)},
	{"a checkpoint is moved below zero", func(_ *testing.T, m *memory, _ audit.Key) { m.points[0].Size = -8 },
		at(-8, audit.BadSignature), one(-8, audit.BadSignature)},
	{"what is beside a row is gone", func(_ *testing.T, m *memory, _ audit.Key) { m.rows[6].hashes = nil },
		at(7, audit.Edit), one(7, audit.Edit)},
	{"something more is beside a row", func(_ *testing.T, m *memory, _ audit.Key) { m.rows[6].hashes = append(m.rows[6].hashes, 0) },
		at(7, audit.Edit), one(7, audit.Edit)},
}

func TestVerify_findsAttacks(t *testing.T) {
	key := newKey(t)
	clean := newLog(t, key, 20, 8, 16)
	outside := clean.points[1].Note
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			log := clean.clone()
			a.do(t, log, key)
			r := verify(t, log, audit.Options{Verifier: key.Verifier()})
			if got, want := shown(r.Faults), shown(a.inside); got != want || r.Anchored {
				t.Errorf("faults found inside:\n got %s, anchored %v\nwant %s, not anchored", got, r.Anchored, want)
			}
			r = verify(t, log, audit.Options{Verifier: key.Verifier(), Outside: []string{outside}})
			if len(r.Faults) == 0 || r.Faults[0].Seq != a.first.Seq || r.Faults[0].Kind != a.first.Kind || r.Anchored {
				t.Errorf("faults found from outside:\n got %s, anchored %v\nwant %s first, not anchored", shown(r.Faults), r.Anchored, shown([]audit.Fault{a.first}))
			}
			for _, f := range r.Faults {
				if f.Detail == "" || strings.Contains(f.Detail, "%!") {
					t.Errorf("fault %+v: got no sentence, want one", f)
				}
			}
		})
	}
}

// shown are faults without their sentences.
func shown(faults []audit.Fault) string {
	var parts []string
	for _, f := range faults {
		parts = append(parts, fmt.Sprintf("%s at %d", f.Kind, f.Seq))
	}
	return strings.Join(parts, ", ")
}

// A clean log of every size around a power of two, signed everywhere.
func TestVerify_findsNothingInACleanLog(t *testing.T) {
	key := newKey(t)
	for _, size := range []int{0, 1, 2, 3, 7, 8, 9, 511, 512, 513, 1500} {
		log := newLog(t, key, size, 0, size/2, size)
		var tree audit.Tree
		for _, r := range log.rows {
			tree.Append(nil, audit.AppendEntry(nil, r.Entry))
		}
		for _, o := range []audit.Options{
			{},
			{Verifier: key.Verifier()},
			{Verifier: key.Verifier(), Outside: []string{log.points[1].Note, log.points[2].Note}},
			{Verifier: newKey(t).Verifier() + " " + key.Verifier()},
			{Verifier: key.Verifier(), Outside: []string{log.points[1].Note}, Since: int64(size / 2)},
			{Verifier: key.Verifier(), Outside: []string{log.points[1].Note, log.points[2].Note}, Since: int64(size)},
		} {
			r := verify(t, log, o)
			if len(r.Faults) > 0 || r.Size != int64(size) || r.Root != tree.Root() || r.Anchored != (len(o.Outside) > 0) {
				t.Errorf("Verify of %d with %+v: got %+v, want %d without a fault", size, o, r, size)
			}
			if o.Verifier != "" && (r.Uncovered != 0 || r.LastCheckpoint.Size != int64(size)) {
				t.Errorf("Verify of %d with %+v: got %+v, want all covered", size, o, r)
			}
			if o.Since > 0 && log.after != o.Since {
				t.Errorf("Verify of %d with %+v: got all behind %d read, want behind %d", size, o, log.after, o.Since)
			}
		}
	}
	r := verify(t, newLog(t, key, 20, 8, 16), audit.Options{Verifier: key.Verifier()})
	if r.Checkpoints != 2 || r.LastCheckpoint.Size != 16 || r.Uncovered != 4 {
		t.Errorf("Verify of 20 that was signed at 8 and 16: got %+v, want 2 checkpoints and 4 uncovered", r)
	}
}

// One key, two histories of one length.
func TestVerify_findsFork(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 20, 8, 16)
	other := log.clone()
	other.rows[2].Actor = "mallory"
	other.rehash()
	r := verify(t, log, audit.Options{Verifier: key.Verifier(), Outside: []string{other.sign(t, key, 16).Note}})
	if got, want := shown(r.Faults), "inconsistent at 9, fork at 16"; got != want {
		t.Errorf("faults: got %s, want %s", got, want)
	}
}

// Bits of everything that is kept.
func TestVerify_findsEveryBit(t *testing.T) {
	key := newKey(t)
	clean := newLog(t, key, 8, 5, 8)
	found := func(log *memory, what string, bit int, seq int64, kinds ...audit.Kind) {
		t.Helper()
		r := verify(t, log, audit.Options{Verifier: key.Verifier()})
		if len(r.Faults) == 0 || r.Faults[0].Seq != seq || !slices.Contains(kinds, r.Faults[0].Kind) {
			t.Errorf("bit %d of %s: got %s, want %v at %d first", bit, what, shown(r.Faults), kinds, seq)
		}
	}
	for bit := range 8 * len(clean.rows[3].hashes) {
		log := clean.clone()
		log.rows[3].hashes[bit/8] ^= 1 << (bit % 8)
		found(log, "hashes", bit, 4, audit.Edit)
	}
	log := clean.clone()
	log.rows[4].hashes[0] ^= 1
	if r := verify(t, log, audit.Options{Verifier: key.Verifier()}); len(r.Faults) != 1 || r.Checkpoints != 2 || r.Uncovered != 0 {
		t.Errorf("a bit beside an entry: got %+v, want one fault, and checkpoints that hold: the entries are as they were", r)
	}
	for bit := range 8 * len(clean.rows[3].Detail) {
		log := clean.clone()
		log.rows[3].Detail = slices.Clone(log.rows[3].Detail)
		log.rows[3].Detail[bit/8] ^= 1 << (bit % 8)
		found(log, "detail", bit, 4, audit.Edit)
	}
	for i := range clean.points[1].Note { // TestOpenCheckpoint_refuses flips the others
		log := clean.clone()
		b := []byte(log.points[1].Note)
		b[i] ^= 1 << (i % 8)
		log.points[1].Note = string(b)
		found(log, "note", 8*i+i%8, 8, audit.BadSignature)
	}
}

func TestVerify_since(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 20, 8, 16)
	options := audit.Options{Verifier: key.Verifier(), Outside: []string{log.points[0].Note, log.points[1].Note}, Since: 16}
	edited := func(f func(*memory)) *memory {
		m := log.clone()
		f(m)
		return m
	}
	for name, c := range map[string]struct {
		log  *memory
		want string
	}{
		"an edit before":          {edited(func(m *memory) { m.rows[4].Actor = "mallory" }), ""}, // it is trusted
		"an edit behind":          {edited(func(m *memory) { m.rows[17].Actor = "mallory" }), "edit at 18"},
		"a cut before":            {edited(func(m *memory) { m.rows = m.rows[:12] }), "truncated at 13"},
		"other hashes before":     {edited(func(m *memory) { m.rows[15].hashes[150] ^= 1 }), "inconsistent at 1"},
		"no hashes before":        {edited(func(m *memory) { m.rows[15].hashes = nil }), "edit at 16"},
		"an older one of another": {edited(func(m *memory) { m.rows[7].hashes[100] ^= 1 }), "inconsistent at 1"},
	} {
		if got := shown(verify(t, c.log, options).Faults); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestVerify_cantBeDone(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 20, 8)
	note := log.points[0].Note
	for name, o := range map[string]audit.Options{
		"a wrong verifier":            {Verifier: "hello"},
		"no verifier for outside":     {Outside: []string{note}},
		"no checkpoint to trust":      {Verifier: key.Verifier(), Since: 8},
		"none of that size":           {Verifier: key.Verifier(), Outside: []string{note}, Since: 9},
		"a file that is none outside": {Verifier: key.Verifier(), Outside: []string{"hello"}},
	} {
		if r, err := audit.Verify(context.Background(), log, o); err == nil {
			t.Errorf("%s: got %+v, want an error", name, r)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := audit.Verify(ended, newLog(t, key, 600), audit.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify with an ended context: got %v, want %v", err, context.Canceled)
	}
	oops := errors.New("oops")
	if _, err := audit.Verify(context.Background(), &broken{memory: log, err: oops}, audit.Options{}); !errors.Is(err, oops) {
		t.Errorf("Verify of what can't be read: got %v, want %v", err, oops)
	}
}

// broken is a log that can't be read to its end.
type broken struct {
	*memory
	err error
}

func (b *broken) WalkEntries(after int64, f func(agentbridge.Entry, []byte) (bool, error)) error {
	return errors.Join(b.memory.WalkEntries(after, f), b.err)
}

// A checkpoint of another key outside says that somebody replaced the key.
func TestVerify_outsideOfAnotherKey(t *testing.T) {
	key, before := newKey(t), newKey(t)
	log := newLog(t, key, 20, 16)
	r := verify(t, log, audit.Options{Verifier: key.Verifier(), Outside: []string{log.sign(t, before, 16).Note}})
	if got := shown(r.Faults); got != "bad-signature at 0" || r.Anchored {
		t.Errorf("faults: got %s, anchored %v, want bad-signature at 0, not anchored", got, r.Anchored)
	}
}
