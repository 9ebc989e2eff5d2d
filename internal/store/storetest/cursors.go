package storetest

import (
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

var cursors = []test{
	{"are unknown until put", func(d *desk) {
		d.send("#build", "1")
		_, ok := d.cursor("#build", bob)
		want(d, "Cursor", ok, false)
	}},
	{"move forward only", func(d *desk) {
		one, two, three := d.send("#build", "1"), d.send("#build", "2"), d.send("#build", "3")
		for _, step := range []struct{ put, stands agentbridge.Message }{
			{two, two}, {one, two}, {three, three}, {three, three}, {one, three},
		} {
			d.ack("#build", bob, step.put)
			cur, ok := d.cursor("#build", bob)
			want(d, "Cursor found", ok, true)
			want(d, "Cursor", cur, agentbridge.Cursor{Consumer: bob, Channel: "#build",
				Seq: step.stands.Seq, MessageID: step.stands.ID, UpdatedAt: noon.Add(time.Duration(step.stands.Seq) * time.Second)})
		}
	}},
	{"belong to one consumer and one channel", func(d *desk) {
		one, two := d.send("#build", "1"), d.send("#other", "2")
		d.ack("#build", bob, one)
		d.ack("#other", bob, two)
		d.ack("#other", alice, two)
		cur, _ := d.cursor("#build", bob)
		want(d, "Cursor(#build, bob)", cur.Seq, one.Seq)
		_, ok := d.cursor("#build", alice)
		want(d, "Cursor(#build, alice)", ok, false)
	}},
	{"are dropped for a name and those below it", func(d *desk) {
		one, two := d.send("#build", "1"), d.send("#other", "2")
		for _, consumer := range []agentbridge.AgentName{bob, bob + "/x", bob + "/", bob + "-2", bob + "0", alice} {
			d.ack("#build", consumer, one)
			d.ack("#other", consumer, two)
		}
		d.must(func(t store.Tx) error { return t.DropCursors(bob) })
		for consumer, stays := range map[agentbridge.AgentName]bool{bob: false, bob + "/x": false, bob + "/": false, bob + "-2": true, bob + "0": true, alice: true} {
			for _, channel := range []agentbridge.ChannelName{"#build", "#other"} {
				_, ok := d.cursor(channel, consumer)
				want(d, "Cursor of "+string(consumer)+" in "+string(channel), ok, stays)
			}
		}
	}},
	{"outlive a clear and a restart", func(d *desk) {
		one := d.send("#build", "1")
		d.ack("#build", bob, one)
		d.clear("#build")
		d.sweep(10)
		d.reopen()
		cur, ok := d.cursor("#build", bob)
		want(d, "Cursor found", ok, true)
		want(d, "Cursor", cur.Seq, one.Seq)
		d.send("#build", "2")
		texts, _ := d.after("#build", cur.Seq, all)
		want(d, "After the cursor", texts, []string{"2"})
	}},
}

// ack puts a cursor whose time tells its message.
func (d *desk) ack(name agentbridge.ChannelName, consumer agentbridge.AgentName, m agentbridge.Message) {
	d.Helper()
	d.must(func(t store.Tx) error {
		c, err := lookup(t, name)
		if err != nil {
			return err
		}
		return t.PutCursor(c, agentbridge.Cursor{Consumer: consumer, Seq: m.Seq, MessageID: m.ID,
			UpdatedAt: noon.Add(time.Duration(m.Seq) * time.Second)}, agentbridge.Metadata(`{"by":"test"}`))
	})
}

func (d *desk) cursor(name agentbridge.ChannelName, consumer agentbridge.AgentName) (cur agentbridge.Cursor, ok bool) {
	d.Helper()
	cur = get(d, func(r store.Reader) (cur agentbridge.Cursor, err error) {
		c, err := lookup(r, name)
		if err != nil {
			return cur, err
		}
		cur, ok, err = r.Cursor(c, consumer)
		return cur, err
	})
	return cur, ok
}
