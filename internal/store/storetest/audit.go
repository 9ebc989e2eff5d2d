package storetest

import (
	"context"
	"fmt"
	"math/bits"
	"sync"

	"agentbridge"
	"agentbridge/internal/store"
)

var audit = []test{
	{"is kept as it was given", func(d *desk) {
		given := []agentbridge.Entry{
			{At: noon, Actor: alice, Action: agentbridge.ActionSend, Target: "#build", Detail: agentbridge.Metadata(`{"bytes":3}`)},
			{At: noon.Add(1e9), Actor: "", Action: agentbridge.ActionRefused, Target: ""},
		}
		d.must(func(t store.Tx) error {
			for _, e := range given {
				e.Seq = 77 // ignored
				if err := t.Log(e); err != nil {
					return err
				}
			}
			return nil
		})
		got := get(d, func(r store.Reader) ([]agentbridge.Entry, error) { return r.Entries(agentbridge.EntryQuery{Limit: 10}) })
		given[0].Seq, given[1].Seq = 1, 2
		want(d, "Entries", got, []agentbridge.Entry{given[1], given[0]})
	}},
	{"is read newest first and further back", func(d *desk) {
		for range 5 {
			d.log("#build")
		}
		for _, c := range []struct {
			q    agentbridge.EntryQuery
			seqs []int64
		}{
			{agentbridge.EntryQuery{Limit: 10}, []int64{5, 4, 3, 2, 1}},
			{agentbridge.EntryQuery{Limit: 2}, []int64{5, 4}},
			{agentbridge.EntryQuery{Before: 4, Limit: 2}, []int64{3, 2}},
			{agentbridge.EntryQuery{Before: 1, Limit: 2}, nil},
			{agentbridge.EntryQuery{Before: 99, Limit: 1}, []int64{5}},
		} {
			want(d, fmt.Sprintf("Entries(%+v)", c.q), d.entries(c.q), c.seqs)
		}
	}},
	{"is read for one conversation", func(d *desk) {
		for range 3 {
			d.log(talk.Channel())  // 1, 4, 7
			d.log("#build")        // 2, 5, 8
			d.log(other.Channel()) // 3, 6, 9
		}
		for _, c := range []struct {
			q    agentbridge.EntryQuery
			seqs []int64
		}{
			{agentbridge.EntryQuery{Target: talk.Channel(), Limit: 10}, []int64{7, 4, 1}},
			{agentbridge.EntryQuery{Target: talk.Channel(), Limit: 2}, []int64{7, 4}},
			{agentbridge.EntryQuery{Target: talk.Channel(), Before: 7, Limit: 10}, []int64{4, 1}},
			{agentbridge.EntryQuery{Target: talk.Channel(), Before: 6, Limit: 1}, []int64{4}},
			{agentbridge.EntryQuery{Target: talk.Channel(), Before: 1, Limit: 10}, nil},
			{agentbridge.EntryQuery{Target: other.Channel(), Limit: 1}, []int64{9}},
			{agentbridge.EntryQuery{Target: "conv_00000000000000ff", Limit: 10}, nil},
		} {
			want(d, fmt.Sprintf("Entries(%+v)", c.q), d.entries(c.q), c.seqs)
		}
	}},
	{"is read forwards", func(d *desk) {
		last := func() int64 {
			return get(d, func(r store.Reader) (int64, error) { return r.LastEntry() })
		}
		want(d, "LastEntry of an empty log", last(), 0)
		for range 5 {
			d.log("#build")
		}
		want(d, "LastEntry", last(), 5)
		for _, c := range []struct {
			after int64
			limit int
			seqs  []int64
		}{{0, 10, []int64{1, 2, 3, 4, 5}}, {0, 2, []int64{1, 2}}, {3, 10, []int64{4, 5}}, {5, 10, nil}, {99, 10, nil}} {
			list := get(d, func(r store.Reader) ([]agentbridge.Entry, error) { return r.EntriesAfter(c.after, c.limit) })
			var seqs []int64
			for _, e := range list {
				seqs = append(seqs, e.Seq)
				want(d, "Target", e.Target, "#build")
			}
			want(d, fmt.Sprintf("EntriesAfter(%d, %d)", c.after, c.limit), seqs, c.seqs)
		}
	}},
	{"has no gap where a transaction failed", func(d *desk) {
		d.log("#build")
		err := d.Update(context.Background(), func(t store.Tx) error {
			if err := t.Log(agentbridge.Entry{At: noon, Target: "#build"}); err != nil {
				return err
			}
			return errOops
		})
		want(d, "Update", err, errOops)
		d.log("#build")
		d.reopen()
		d.log("#build")
		want(d, "Entries", d.entries(agentbridge.EntryQuery{Limit: 10}), []int64{3, 2, 1})
	}},
	{"has the tree of its entries", func(d *desk) {
		d.wantTree(0)
		for n := range 20 {
			d.logs(n, nil)
		}
		d.wantTree(190)
		d.reopen()
		d.wantTree(190)
		d.logs(3, nil)
		d.wantTree(193)
	}},
	{"has the tree of its entries after transactions that failed", func(d *desk) {
		d.logs(5, nil)
		for n := range 6 {
			d.logs(n, errOops)
			d.logs(1, nil)
		}
		d.wantTree(11)
		// some of those that share a commit fail
		release := d.hold()
		var asked, done sync.WaitGroup
		for i := range 60 {
			asked.Add(1)
			done.Go(func() {
				asked.Done()
				d.logs(1+i%4, []error{nil, errOops}[i%2])
			})
		}
		asked.Wait()
		release()
		done.Wait()
		d.wantTree(11 + 60)
	}},
	{"has the tree of its entries whoever writes them", func(d *desk) {
		second := &desk{T: d.T, Store: d.open(d.T), open: d.open}
		for i, n := range []int{1, 2, 300, 7, 600, 1, 1, 255, 256, 257} {
			from, to := d, second
			if i%2 == 1 {
				from, to = second, d
			}
			from.logs(n, nil)
			to.logs(3, errOops) // numbers that others take now
			from.logs(4, nil)
			to.logs(1, nil)
		}
		d.wantTree(1680 + 50)
		second.wantTree(1680 + 50)
	}},
	{"has the tree of its entries when many write", func(d *desk) {
		second := &desk{T: d.T, Store: d.open(d.T), open: d.open}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 25 {
					[]*desk{d, second}[i%2].logs(2, []error{nil, nil, nil, errOops}[i/2])
				}
			})
		}
		wg.Wait()
		d.wantTree(6 * 25 * 2)
	}},
	{"is walked with what is kept beside it", func(d *desk) {
		d.logs(9, nil)
		for _, c := range []struct {
			after int64
			stop  int64
			seqs  []int64
		}{{0, 99, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}}, {7, 99, []int64{8, 9}}, {2, 4, []int64{3, 4}}, {9, 99, nil}} {
			var seqs []int64
			get(d, func(r store.Reader) (none int, err error) {
				return 0, r.WalkEntries(c.after, func(e agentbridge.Entry, hashes []byte) (bool, error) {
					seqs = append(seqs, e.Seq)
					kept, err := r.EntryHashes(e.Seq)
					want(d, fmt.Sprintf("EntryHashes(%d)", e.Seq), kept, hashes)
					want(d, fmt.Sprintf("length of the hashes of %d", e.Seq), len(hashes), 32*(1+bits.TrailingZeros64(uint64(e.Seq))))
					return e.Seq < c.stop, err
				})
			})
			want(d, fmt.Sprintf("WalkEntries(%d) up to %d", c.after, c.stop), seqs, c.seqs)
		}
		none := get(d, func(r store.Reader) ([]byte, error) { return r.EntryHashes(10) })
		if none != nil {
			d.Errorf("EntryHashes of no entry: got %x, want nil", none)
		}
		err := d.View(context.Background(), func(r store.Reader) error {
			return r.WalkEntries(0, func(agentbridge.Entry, []byte) (bool, error) { return true, errOops })
		})
		want(d, "WalkEntries whose function fails", err, errOops)
	}},
	{"keeps checkpoints", func(d *desk) {
		put := func(size int64, note string, result error) {
			d.Helper()
			err := d.Update(context.Background(), func(t store.Tx) error {
				return errorsFirst(t.PutCheckpoint(agentbridge.Checkpoint{Size: size, Note: note}), func() error { return result })
			})
			want(d, "Update", err, result)
		}
		last := func() (c agentbridge.Checkpoint) {
			return get(d, func(r store.Reader) (agentbridge.Checkpoint, error) {
				c, ok, err := r.LastCheckpoint()
				want(d, "LastCheckpoint found one", ok, c.Size > 0)
				return c, err
			})
		}
		want(d, "LastCheckpoint of none", last(), agentbridge.Checkpoint{})
		put(300, "c", nil)
		put(200, "b", nil)
		put(300, "another", nil) // what was signed stays
		put(400, "undone", errOops)
		d.reopen()
		want(d, "LastCheckpoint", last(), agentbridge.Checkpoint{Size: 300, Note: "c"})
		put(1000, "d", nil)
		for stop, notes := range map[string]string{"": "bcd", "c": "bc"} {
			got := get(d, func(r store.Reader) (got string, err error) {
				err = r.Checkpoints(func(c agentbridge.Checkpoint) (bool, error) {
					got += c.Note
					return c.Note != stop, nil
				})
				return got, err
			})
			want(d, "Checkpoints up to "+stop, got, notes)
		}
	}},
}

func (d *desk) log(target agentbridge.ChannelName) {
	d.Helper()
	d.must(func(t store.Tx) error {
		return t.Log(agentbridge.Entry{At: noon, Actor: alice, Action: agentbridge.ActionSend, Target: target})
	})
}

var settings = []test{
	{"are kept, replaced and undone", func(d *desk) {
		put := func(value string, result error) {
			d.Helper()
			err := d.Update(context.Background(), func(t store.Tx) error {
				if err := t.PutSetting("colour", value); err != nil {
					return err
				}
				return result
			})
			want(d, "Update", err, result)
		}
		want(d, "Setting before", d.setting("colour"), "(none)")
		put("red", nil)
		want(d, "Setting", d.setting("colour"), "red")
		put("blue", errOops)
		want(d, "Setting when undone", d.setting("colour"), "red")
		put("", nil)
		d.reopen()
		want(d, "Setting when replaced", d.setting("colour"), "")
		want(d, "Setting of another name", d.setting("Colour"), "(none)")
	}},
}

func (d *desk) setting(name string) string {
	d.Helper()
	return get(d, func(r store.Reader) (string, error) {
		value, ok, err := r.Setting(name)
		if !ok {
			value = "(none)"
		}
		return value, err
	})
}
