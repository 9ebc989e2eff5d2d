package storetest

import (
	"context"
	"fmt"

	"agentbridge"
	merkle "agentbridge/internal/audit"
	"agentbridge/internal/store"
)

// tree tells whether what is kept beside the audit entries is the tree over
// them, and whether the checkpoints hold.
func (c *checker) tree() error {
	verifier, _, err := c.Setting("audit_verifier") // the engine's, if there is one
	if err != nil {
		return err
	}
	r, err := merkle.Verify(context.Background(), c, merkle.Options{Verifier: verifier})
	if err == nil && len(r.Faults) > 0 {
		err = fmt.Errorf("audit log of %d entries: got faults %+v, want none", r.Size, r.Faults)
	}
	return err
}

// edge is the tree as whoever signs it loads it, and the tree that the entries
// make: their sizes and roots.
type edge struct {
	size int64
	root merkle.Hash
}

func (d *desk) edges() (loaded, made edge) {
	d.Helper()
	get(d, func(r store.Reader) (none int, err error) {
		last, err := r.LastEntry()
		if err != nil {
			return 0, err
		}
		tree, err := merkle.LoadTree(last, r.EntryHashes)
		if err != nil {
			return 0, err
		}
		loaded = edge{tree.Size(), tree.Root()}
		list, err := r.EntriesAfter(0, int(last))
		var own merkle.Tree
		for _, e := range list {
			own.Append(nil, merkle.AppendEntry(nil, e))
		}
		made = edge{own.Size(), own.Root()}
		return 0, err
	})
	return loaded, made
}

// wantTree wants the tree of exactly so many entries.
func (d *desk) wantTree(entries int64) {
	d.Helper()
	loaded, made := d.edges()
	if loaded != made || loaded.size != entries {
		d.Errorf("tree over the entries:\n got %+v\nwant %+v of %d", loaded, made, entries)
	}
}

// logs writes so many entries in one transaction, which ends with result.
func (d *desk) logs(n int, result error) {
	d.Helper()
	err := d.Update(context.Background(), func(t store.Tx) error {
		for i := range n {
			e := agentbridge.Entry{At: noon, Actor: alice, Action: agentbridge.ActionSend, Target: "#build", Detail: agentbridge.Metadata(fmt.Sprintf(`{"n":%d,"kept":%t}`, i, result == nil))}
			if err := t.Log(e); err != nil {
				return err
			}
		}
		return result
	})
	want(d, "Update", err, result)
}
