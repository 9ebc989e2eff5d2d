package storetest

import (
	"context"
	"errors"

	"agentbridge"
	"agentbridge/internal/store"
)

var channels = []test{
	{"are made once", func(d *desk) {
		var first, second, looked store.Channel
		d.must(func(t store.Tx) (err error) {
			if _, ok, err := t.Channel("#build"); ok || err != nil {
				return errOops
			}
			if first, err = t.OpenChannel("#build", false); err != nil {
				return err
			}
			second, err = t.OpenChannel("#build", true) // what it is was said when it was made
			return err
		})
		looked = get(d, func(r store.Reader) (store.Channel, error) { return lookup(r, "#build") })
		want(d, `second OpenChannel("#build")`, second, first)
		want(d, `Channel("#build")`, looked, first)
		want(d, `OpenChannel("#build")`, first, store.Channel{ID: first.ID, Name: "#build"})
	}},
	{"are listed by name with what they hold", func(d *desk) {
		for _, name := range []agentbridge.ChannelName{"#c", "#a", "#b", "#a"} {
			d.send(name, "hello")
		}
		want(d, `Channels("")`, d.list("", 10), []line{{"#a", 2}, {"#b", 1}, {"#c", 1}})
		want(d, `Channels("#a")`, d.list("#a", 10), []line{{"#b", 1}, {"#c", 1}})
		want(d, `Channels("#aa")`, d.list("#aa", 10), []line{{"#b", 1}, {"#c", 1}})
		want(d, `Channels("") until false`, d.list("", 2), []line{{"#a", 2}, {"#b", 1}})
		want(d, "Totals", d.totals(), [2]int64{3, 4})
	}},
	{"without messages are not listed", func(d *desk) {
		d.must(func(t store.Tx) error {
			_, err := t.OpenChannel("#empty", false)
			return err
		})
		want(d, `Channels("")`, d.list("", 10), nil)
		want(d, "Totals", d.totals(), [2]int64{})
		want(d, `Tally("#empty")`, d.tally("#empty"), 0)
	}},
	{"that are private are not listed", func(d *desk) {
		d.converse("conv_00000000000000aa")
		d.say("conv_00000000000000aa", "between us")
		d.send("#open", "to all")
		want(d, `Channels("")`, d.list("", 10), []line{{"#open", 1}})
		want(d, "Totals", d.totals(), [2]int64{1, 1})
		want(d, "Tally of the private one", d.tally("conv_00000000000000aa"), 1)
	}},
	{"are cleared at once and swept later", func(d *desk) {
		for range 5 {
			d.send("#build", "old")
		}
		d.send("#other", "stays")
		want(d, "Cleared", d.cleared(), false)
		want(d, "ClearChannel", d.clear("#build"), 5)

		want(d, "texts after the clear", d.texts("#build"), nil)
		want(d, "Channels after the clear", d.list("", 10), []line{{"#other", 1}})
		want(d, "Totals after the clear", d.totals(), [2]int64{1, 1})
		want(d, "Tally after the clear", d.tally("#build"), 0)
		want(d, "Cleared after the clear", d.cleared(), true)
		want(d, "second ClearChannel", d.clear("#build"), 0)

		d.send("#build", "new")
		for _, swept := range []int64{2, 2, 1, 0} {
			want(d, "Sweep(2)", d.sweep(2), swept)
			want(d, "texts between sweeps", d.texts("#build"), []string{"new"})
			want(d, "Tally between sweeps", d.tally("#build"), 1)
		}
		want(d, "Cleared after sweeping", d.cleared(), false)
		want(d, "texts after sweeping", d.texts("#build"), []string{"new"})
		want(d, "texts elsewhere", d.texts("#other"), []string{"stays"})
		want(d, "third ClearChannel", d.clear("#build"), 1)
	}},
	{"count on when they are cleared between two sweeps", func(d *desk) {
		for range 4 {
			d.send("#build", "old")
		}
		d.clear("#build")
		d.sweep(3) // one is left
		d.reopen() // and nobody remembers
		d.send("#build", "new")
		want(d, "Tally", d.tally("#build"), 1)
		want(d, "ClearChannel", d.clear("#build"), 1)
		want(d, "Sweep", d.sweep(100), 2)
		d.reopen()
		d.send("#build", "newer")
		want(d, "Tally", d.tally("#build"), 1)
	}},
	{"expire from their beginning", func(d *desk) {
		var seqs []agentbridge.Seq
		for _, text := range []string{"1", "2", "3", "4"} {
			seqs = append(seqs, d.send("#build", text).Seq)
		}
		other := d.send("#other", "stays")
		want(d, "Expire(2)", d.expire("#build", seqs[1]), 2)
		want(d, "texts", d.texts("#build"), []string{"3", "4"})
		want(d, "removed and expired", d.removed("#build"), [2]int64{2, 2})
		want(d, "Expire(2) again", d.expire("#build", seqs[1]), 0)
		want(d, "Expire(1)", d.expire("#build", seqs[0]), 0)
		want(d, "Expire by a message of another channel", d.expire("#build", other.Seq), 0)
		want(d, "Expire by no message", d.expire("#build", 9999), 0)
		want(d, "Sweep", d.sweep(100), 2)
		want(d, "ClearChannel", d.clear("#build"), 2)
		want(d, "removed and expired after a clear", d.removed("#build"), [2]int64{4, 2})
		seqs = append(seqs, d.send("#build", "5").Seq)
		want(d, "Tally", d.tally("#build"), 1)
		d.reopen()
		want(d, "Expire(5)", d.expire("#build", seqs[4]), 1)
		want(d, "removed and expired at last", d.removed("#build"), [2]int64{5, 3})
		want(d, "Sweep at last", d.sweep(100), 3)
		d.reopen()
		if m := d.send("#build", "6"); m.Seq <= seqs[4] {
			d.Errorf("Append after Expire and Sweep: got seq %d, want above %d", m.Seq, seqs[4])
		}
		want(d, "Tally at last", d.tally("#build"), 1)
	}},
	{"know who wrote in them", func(d *desk) {
		say := func(name agentbridge.ChannelName, senders ...agentbridge.AgentName) {
			d.Helper()
			d.must(func(t store.Tx) error {
				c, err := t.OpenChannel(name, false)
				for _, s := range senders {
					if err == nil {
						_, err = t.Append(c, agentbridge.Message{Sender: s, Content: "x", Encoding: agentbridge.LegacyText, At: noon})
					}
				}
				return err
			})
		}
		say("#build", "carol", alice, bob, alice)
		say("#other", "dave")
		want(d, "Senders", d.senders("#build", 10), []agentbridge.AgentName{alice, bob, "carol"})
		want(d, "Senders(2)", d.senders("#build", 2), []agentbridge.AgentName{alice, bob})
		want(d, "Wrote", []bool{d.wrote("#build", "carol"), d.wrote("#build", "dave"), d.wrote("#build", "CAROL"), d.wrote("#other", "dave")}, []bool{true, false, false, true})
		err := d.Update(context.Background(), func(t store.Tx) error {
			c, err := lookup(t, "#build")
			if err == nil {
				_, err = t.Append(c, agentbridge.Message{Sender: "eve", Content: "x", Encoding: agentbridge.LegacyText, At: noon})
			}
			return errors.Join(err, errOops)
		})
		want(d, "Update", errors.Is(err, errOops), true)
		want(d, "Senders after one was undone", d.senders("#build", 10), []agentbridge.AgentName{alice, bob, "carol"})
		say("#build", "eve")
		want(d, "Senders after he wrote again", d.senders("#build", 10), []agentbridge.AgentName{alice, bob, "carol", "eve"})
		d.clear("#build")
		want(d, "Senders when cleared", d.senders("#build", 10), nil)
		want(d, "Wrote when cleared", d.wrote("#build", "carol"), false)
		say("#build", bob)
		want(d, "Senders after a clear", d.senders("#build", 10), []agentbridge.AgentName{bob})
		d.expire("#build", d.sendAt("#build", noon).Seq)
		want(d, "Senders when all expired", d.senders("#build", 10), nil)
		want(d, "Senders elsewhere", d.senders("#other", 10), []agentbridge.AgentName{"dave"})
	}},
	{"can be cleared and used in one transaction", func(d *desk) {
		d.send("#build", "old")
		d.must(func(t store.Tx) error {
			c, err := lookup(t, "#build")
			if err != nil {
				return err
			}
			if _, err := t.ClearChannel(c); err != nil {
				return err
			}
			// c is now out of date. That must not bring back what was cleared.
			_, err = t.Append(c, agentbridge.Message{Sender: alice, Content: "new", Encoding: agentbridge.LegacyText, At: noon})
			return err
		})
		want(d, "texts", d.texts("#build"), []string{"new"})
		d.must(func(t store.Tx) error {
			c, err := lookup(t, "#build")
			want(d, "floor is above 0", c.Floor > 0, true)
			return err
		})
		want(d, "ClearChannel", d.clear("#build"), 1)
	}},
}

// line is one line of a listing.
type line struct {
	Name     agentbridge.ChannelName
	Messages int64
}

// expire lets messages up to one expire and returns how many went.
func (d *desk) expire(name agentbridge.ChannelName, upTo agentbridge.Seq) (n int64) {
	d.Helper()
	d.must(func(t store.Tx) error {
		c, err := lookup(t, name)
		if err == nil {
			n, err = t.Expire(c, upTo)
		}
		return err
	})
	return n
}

func (d *desk) removed(name agentbridge.ChannelName) [2]int64 {
	d.Helper()
	c := get(d, func(r store.Reader) (store.Channel, error) { return lookup(r, name) })
	return [2]int64{c.Removed, c.Expired}
}

func (d *desk) senders(name agentbridge.ChannelName, limit int) []agentbridge.AgentName {
	d.Helper()
	return get(d, func(r store.Reader) ([]agentbridge.AgentName, error) {
		c, err := lookup(r, name)
		if err != nil {
			return nil, err
		}
		return r.Senders(c, limit)
	})
}

func (d *desk) wrote(name agentbridge.ChannelName, sender agentbridge.AgentName) bool {
	d.Helper()
	return get(d, func(r store.Reader) (bool, error) {
		c, err := lookup(r, name)
		if err != nil {
			return false, err
		}
		return r.Wrote(c, sender)
	})
}

// list returns up to limit lines behind a name.
func (d *desk) list(after agentbridge.ChannelName, limit int) []line {
	d.Helper()
	return get(d, func(r store.Reader) (lines []line, err error) {
		err = r.Channels(after, func(c store.Channel, t store.Tally) (bool, error) {
			lines = append(lines, line{c.Name, t.Messages})
			return len(lines) < limit, nil
		})
		return lines, err
	})
}

func (d *desk) totals() [2]int64 {
	d.Helper()
	return get(d, func(r store.Reader) ([2]int64, error) {
		c, m, err := r.Totals()
		return [2]int64{c, m}, err
	})
}

func (d *desk) cleared() bool {
	d.Helper()
	return get(d, func(r store.Reader) (bool, error) { return r.Cleared() })
}
