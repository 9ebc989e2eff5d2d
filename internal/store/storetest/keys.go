package storetest

import (
	"agentbridge"
	"agentbridge/internal/store"
)

var keys = []test{
	{"return what was sent first", func(d *desk) {
		_, ok := d.keyed("#build", alice, "k1")
		want(d, "Keyed before", ok, false)
		sent := d.sendKeyed("#build", "k1", "hello")
		k, ok := d.keyed("#build", alice, "k1")
		want(d, "Keyed found", ok, true)
		want(d, "Keyed", k, store.Keyed{Digest: digestOf("hello"), Sent: sent})
	}},
	{"belong to one channel and one sender", func(d *desk) {
		d.sendKeyed("#build", "k1", "hello")
		d.send("#other", "so that it exists")
		for _, other := range []struct {
			channel agentbridge.ChannelName
			sender  agentbridge.AgentName
			key     string
		}{{"#other", alice, "k1"}, {"#build", bob, "k1"}, {"#build", alice, "K1"}, {"#build", alice, ""}} {
			if _, ok := d.keyed(other.channel, other.sender, other.key); ok {
				d.Errorf("Keyed(%+v): got one, want none", other)
			}
		}
	}},
	{"outlive a restart", func(d *desk) {
		sent := d.sendKeyed("#build", "k1", "hello")
		d.reopen()
		k, _ := d.keyed("#build", alice, "k1")
		want(d, "Keyed", k.Sent, sent)
	}},
	{"of cleared messages are free again", func(d *desk) {
		d.sendKeyed("#build", "k1", "old")
		d.sendKeyed("#build", "k2", "old")
		d.clear("#build")
		_, ok := d.keyed("#build", alice, "k1")
		want(d, "Keyed when cleared", ok, false)

		again := d.sendKeyed("#build", "k1", "new") // before the sweeper came
		d.sweep(100)
		k, ok := d.keyed("#build", alice, "k1")
		want(d, "Keyed when swept", ok, true) // the sweeper spares it
		want(d, "Keyed", k, store.Keyed{Digest: digestOf("new"), Sent: again})
		_, ok = d.keyed("#build", alice, "k2")
		want(d, "Keyed of the other", ok, false)
	}},
}

func digestOf(text string) (digest [32]byte) {
	copy(digest[:], text)
	return digest
}

func (d *desk) sendKeyed(name agentbridge.ChannelName, key, text string) (sent agentbridge.Sent) {
	d.Helper()
	d.must(func(t store.Tx) error {
		m, err := post(t, name, text)
		if err != nil {
			return err
		}
		c, err := lookup(t, name)
		if err != nil {
			return err
		}
		sent = agentbridge.Sent{ID: m.ID, Seq: m.Seq, Channel: name, Sender: alice, At: m.At}
		return t.PutKeyed(c, alice, key, store.Keyed{Digest: digestOf(text), Sent: sent})
	})
	return sent
}

func (d *desk) keyed(name agentbridge.ChannelName, sender agentbridge.AgentName, key string) (k store.Keyed, ok bool) {
	d.Helper()
	k = get(d, func(r store.Reader) (k store.Keyed, err error) {
		c, found, err := r.Channel(name)
		if err != nil || !found {
			return k, err
		}
		k, ok, err = r.Keyed(c, sender, key)
		return k, err
	})
	return k, ok
}
