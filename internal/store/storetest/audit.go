package storetest

import (
	"context"
	"fmt"

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
