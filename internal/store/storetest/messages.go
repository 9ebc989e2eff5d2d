package storetest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

var messages = []test{
	{"are numbered in one row over all channels", func(d *desk) {
		last := agentbridge.Seq(0)
		for i := range 20 {
			m := d.send(agentbridge.ChannelName(fmt.Sprintf("#%d", i%3)), "hello")
			if m.Seq <= last || m.ID.Position() != m.Seq {
				d.Errorf("Append: got seq %d and an id of %d behind %d, want a higher one in both", m.Seq, m.ID.Position(), last)
			}
			last = m.Seq
		}
	}},
	{"are kept as they were given", func(d *desk) {
		given := []agentbridge.Message{
			{Sender: alice, Content: "", Encoding: agentbridge.LegacyText, At: noon},
			{Sender: "Zoë 🐝", Content: "a\"b'c\\d\n\t%s ?1 -- ünï 漢字 \u202e", Encoding: agentbridge.Invalid, At: noon.Add(1000)},
			{Sender: bob, Content: `{"a":1}`, Encoding: agentbridge.LegacyJSON, At: noon.AddDate(-30, 0, 0), Metadata: agentbridge.Metadata(`{"k":[1,2]}`)},
			{Sender: bob, Content: strings.Repeat("x", agentbridge.MaxContent), Encoding: agentbridge.Structured, At: noon, Verified: true},
		}
		var returned []agentbridge.Message
		d.must(func(t store.Tx) error {
			c, err := t.OpenChannel("#build", false)
			if err != nil {
				return err
			}
			for _, m := range given {
				m.Seq, m.ID, m.Channel = 99, "ignored", "#ignored"
				if m, err = t.Append(c, m); err != nil {
					return err
				}
				returned = append(returned, m)
			}
			return nil
		})
		read := get(d, func(r store.Reader) ([]agentbridge.Message, error) {
			c, err := lookup(r, "#build")
			if err != nil {
				return nil, err
			}
			page, _, err := r.Newest(c, 0, all)
			return page, err
		})
		want(d, "Newest", read, returned)
		for i, m := range returned {
			want(d, "channel", m.Channel, "#build")
			m.Seq, m.ID, m.Channel = 0, "", ""
			want(d, "Append", m, given[i])
		}
	}},
	{"never share a number", func(d *desk) {
		// The newest message goes in every way there is; whatever comes next has
		// a number of its own, or a cursor would skip it.
		last := d.send("#build", "first").Seq
		above := func(after string) {
			d.Helper()
			if m := d.send("#build", "next"); m.Seq <= last {
				d.Errorf("Append after %s: got seq %d, want above %d", after, m.Seq, last)
			} else {
				last = m.Seq
			}
		}
		d.clear("#build")
		above("ClearChannel")
		d.clear("#build")
		d.sweep(100)
		above("Sweep")
		d.clear("#build")
		d.sweep(100)
		d.reopen()
		above("Sweep and reopening")

		const id = agentbridge.ConversationID("conv_00000000000000bb")
		d.converse(id)
		last = d.say(id, "secret").Seq
		d.drop(id)
		above("DropConversation")
		d.converse(id)
		last = d.say(id, "secret").Seq
		d.drop(id)
		d.reopen()
		above("DropConversation and reopening")
	}},
	{"are read in spans", func(d *desk) {
		var size int // of one message; all are the same
		for _, text := range []string{"1", "2", "3", "4", "5"} {
			size = d.send("#build", text).WireSize()
		}
		for _, c := range []struct {
			span   store.Span
			after  []string // from the beginning
			newest []string
			more   bool
		}{
			{store.Span{Limit: 9, MaxBytes: 9 * size}, []string{"1", "2", "3", "4", "5"}, []string{"1", "2", "3", "4", "5"}, false},
			{store.Span{Limit: 5, MaxBytes: 5 * size}, []string{"1", "2", "3", "4", "5"}, []string{"1", "2", "3", "4", "5"}, false},
			{store.Span{Limit: 4, MaxBytes: 9 * size}, []string{"1", "2", "3", "4"}, []string{"2", "3", "4", "5"}, true},
			{store.Span{Limit: 9, MaxBytes: 3 * size}, []string{"1", "2", "3"}, []string{"3", "4", "5"}, true},
			{store.Span{Limit: 9, MaxBytes: 3*size - 1}, []string{"1", "2"}, []string{"4", "5"}, true},
			{store.Span{Limit: 9, MaxBytes: 0}, []string{"1"}, []string{"5"}, true}, // the first always fits
			{store.Span{Limit: 1, MaxBytes: 9 * size}, []string{"1"}, []string{"5"}, true},
		} {
			after, more := d.after("#build", 0, c.span)
			want(d, fmt.Sprintf("After(%+v)", c.span), after, c.after)
			want(d, fmt.Sprintf("After(%+v) more", c.span), more, c.more)
			newest, older := d.newest("#build", c.span)
			want(d, fmt.Sprintf("Newest(%+v)", c.span), newest, c.newest)
			want(d, fmt.Sprintf("Newest(%+v) older", c.span), older, c.more)
		}
	}},
	{"are read backwards", func(d *desk) {
		var seqs []agentbridge.Seq
		for _, text := range []string{"1", "2", "3", "4", "5"} {
			seqs = append(seqs, d.send("#build", text).Seq)
			d.send("#other", "x")
		}
		for _, c := range []struct {
			before agentbridge.Seq
			texts  []string
			older  bool
		}{
			{seqs[4] + 1, []string{"4", "5"}, true}, {seqs[4], []string{"3", "4"}, true}, {seqs[2], []string{"1", "2"}, false},
			{seqs[1], []string{"1"}, false}, {seqs[0], nil, false}, {1, nil, false},
		} {
			texts, older := d.page("#build", func(r store.Reader, ch store.Channel) ([]agentbridge.Message, bool, error) {
				return r.Newest(ch, c.before, store.Span{Limit: 2, MaxBytes: math.MaxInt})
			})
			want(d, fmt.Sprintf("Newest(before %d)", c.before), texts, c.texts)
			want(d, fmt.Sprintf("Newest(before %d) older", c.before), older, c.older)
		}
	}},
	{"are found anywhere by id", func(d *desk) {
		m := d.send("#build", "mine")
		gone := d.send("#gone", "x")
		d.clear("#gone")
		const id = agentbridge.ConversationID("conv_00000000000000aa")
		d.converse(id)
		secret := d.say(id, "secret")
		for id, where := range map[agentbridge.MessageID]agentbridge.ChannelName{
			m.ID: "#build", secret.ID: id.Channel(), gone.ID: "", agentbridge.NewMessageID(m.Seq): "", agentbridge.Mark(m.Seq): "", "": "", "x": "",
		} {
			got := get(d, func(r store.Reader) (agentbridge.Message, error) {
				found, c, ok, err := r.Message(id)
				if ok != (where != "") || c.Name != where || c.Private != (where == secret.Channel) {
					d.Errorf("Message(%q): got %v in %+v, want it in %q", id, ok, c, where)
				}
				return found, err
			})
			want(d, fmt.Sprintf("Message(%q)", id), got.Channel, where)
		}
	}},
	{"age", func(d *desk) {
		var seqs []agentbridge.Seq
		for _, minute := range []time.Duration{0, 1, 2, 9, 3} { // the clock was once set wrong
			seqs = append(seqs, d.sendAt("#build", noon.Add(minute*time.Minute)).Seq)
		}
		for _, c := range []struct {
			after  agentbridge.Seq
			minute time.Duration
			limit  int
			last   agentbridge.Seq
			more   bool
		}{
			{0, 0, 9, 0, false}, // older than noon is none
			{0, 1, 9, seqs[0], false},
			{0, 5, 9, seqs[2], false}, // the one behind the wrong one has to wait
			{0, 10, 9, seqs[4], false},
			{0, 10, 2, seqs[1], true},
			{seqs[1], 10, 2, seqs[3], true},
			{seqs[3], 10, 2, seqs[4], false},
			{seqs[4], 10, 2, 0, false},
		} {
			call := fmt.Sprintf("Aged(after %d, minute %d, %d)", c.after, c.minute, c.limit)
			last := get(d, func(r store.Reader) (agentbridge.Seq, error) {
				ch, err := lookup(r, "#build")
				if err != nil {
					return 0, err
				}
				last, more, err := r.Aged(ch, c.after, noon.Add(c.minute*time.Minute), c.limit)
				want(d, call+" more", more, c.more)
				return last, err
			})
			want(d, call, last, c.last)
		}
	}},
	{"are read behind a position", func(d *desk) {
		first := d.send("#build", "1")
		d.send("#other", "x")
		last := d.send("#build", "2")
		texts, more := d.after("#build", first.Seq, all)
		want(d, "After(first)", texts, []string{"2"})
		want(d, "After(first) more", more, false)
		texts, more = d.after("#build", last.Seq, store.Span{Limit: 1})
		want(d, "After(last)", texts, nil)
		want(d, "After(last) more", more, false)
		d.clear("#build")
		texts, _ = d.after("#build", first.Seq, all)
		want(d, "After(first) when cleared", texts, nil)
	}},
	{"are found by their own id only", func(d *desk) {
		m := d.send("#build", "mine")
		other := d.send("#other", "theirs")
		forged := agentbridge.NewMessageID(m.Seq) // the right position, another random part
		for id, found := range map[agentbridge.MessageID]bool{
			m.ID:                                    true,
			forged:                                  false,
			other.ID:                                false, // exists, but elsewhere
			agentbridge.NewMessageID(other.Seq + 1): false,
			"":                                      false, "0": false, "not-an-id": false,
			agentbridge.MessageID(strings.ToUpper(string(m.ID))):             strings.ToUpper(string(m.ID)) == string(m.ID),
			agentbridge.MessageID(strings.ReplaceAll(string(m.ID), "-", "")): false,
		} {
			want(d, fmt.Sprintf("Find(#build, %q)", id), d.find("#build", id), found)
		}
		d.clear("#build")
		want(d, "Find when cleared", d.find("#build", m.ID), false)
		d.sweep(10)
		want(d, "Find when swept", d.find("#build", m.ID), false)
	}},
}

// sendAt stores a message of a time.
func (d *desk) sendAt(name agentbridge.ChannelName, at time.Time) (m agentbridge.Message) {
	d.Helper()
	d.must(func(t store.Tx) error {
		c, err := t.OpenChannel(name, false)
		if err != nil {
			return err
		}
		m, err = t.Append(c, agentbridge.Message{Sender: bob, Content: at.String(), Encoding: agentbridge.LegacyText, At: at})
		return err
	})
	return m
}

func (d *desk) after(name agentbridge.ChannelName, seq agentbridge.Seq, s store.Span) (texts []string, more bool) {
	d.Helper()
	return d.page(name, func(r store.Reader, c store.Channel) ([]agentbridge.Message, bool, error) { return r.After(c, seq, s) })
}

func (d *desk) newest(name agentbridge.ChannelName, s store.Span) (texts []string, older bool) {
	d.Helper()
	return d.page(name, func(r store.Reader, c store.Channel) ([]agentbridge.Message, bool, error) { return r.Newest(c, 0, s) })
}

func (d *desk) page(name agentbridge.ChannelName, read func(store.Reader, store.Channel) ([]agentbridge.Message, bool, error)) (texts []string, more bool) {
	d.Helper()
	page := get(d, func(r store.Reader) (page []agentbridge.Message, err error) {
		c, err := lookup(r, name)
		if err != nil {
			return nil, err
		}
		page, more, err = read(r, c)
		return page, err
	})
	for _, m := range page {
		texts = append(texts, m.Content)
	}
	return texts, more
}

func (d *desk) find(name agentbridge.ChannelName, id agentbridge.MessageID) bool {
	d.Helper()
	return get(d, func(r store.Reader) (bool, error) {
		c, err := lookup(r, name)
		if err != nil {
			return false, err
		}
		_, ok, err := r.Find(c, id)
		return ok, err
	})
}
