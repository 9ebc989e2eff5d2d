package storetest

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

const (
	talk  = agentbridge.ConversationID("conv_0000000000000001")
	other = agentbridge.ConversationID("conv_0000000000000002")
)

var seatA, seatB = agentbridge.SeatA.Agent(), agentbridge.SeatB.Agent()

var conversations = []test{
	{"are kept as they were given", func(d *desk) {
		conv := store.Conversation{ID: talk, RoleA: "backend", RoleB: "the other «side»", Generation: 3,
			OwnerA: alice, OwnerB: "bob «the other»", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
		d.must(func(t store.Tx) error {
			if _, err := t.OpenChannel(talk.Channel(), true); err != nil {
				return err
			}
			return t.PutConversation(conv)
		})
		d.reopen()
		got := get(d, func(r store.Reader) (store.Conversation, error) {
			got, _, err := r.Conversation(talk)
			return got, err
		})
		want(d, "Conversation", got, conv)
		want(d, "Conversation of an unknown id", d.conversation(other), false)
	}},
	{"are listed newest first", func(d *desk) {
		d.converseAt(talk, noon)
		d.converseAt(other, noon.Add(time.Minute))
		d.converseAt("conv_0000000000000003", noon.Add(-time.Minute))
		want(d, "Conversations", d.ids(), []agentbridge.ConversationID{other, talk, "conv_0000000000000003"})
	}},
	{"have an owner for each seat", func(d *desk) {
		d.converse(talk)
		d.converse(other)
		want(d, "owners", d.owners(talk), [2]agentbridge.AgentName{})
		for _, step := range []struct {
			seat   agentbridge.Seat
			owner  agentbridge.AgentName
			stands [2]agentbridge.AgentName
		}{
			{agentbridge.SeatB, bob, [2]agentbridge.AgentName{"", bob}},
			{agentbridge.SeatA, alice, [2]agentbridge.AgentName{alice, bob}},
			{agentbridge.SeatB, "carol's «own»", [2]agentbridge.AgentName{alice, "carol's «own»"}},
			{agentbridge.SeatA, "", [2]agentbridge.AgentName{"", "carol's «own»"}},
		} {
			d.must(func(t store.Tx) error { return t.SetOwner(talk, step.seat, step.owner) })
			want(d, "owners", d.owners(talk), step.stands)
			list := get(d, func(r store.Reader) ([]store.Conversation, error) { return r.Conversations() })
			want(d, "number of Conversations", len(list), 2)
			for _, c := range list {
				stands := map[agentbridge.ConversationID][2]agentbridge.AgentName{talk: step.stands}
				want(d, "owners in Conversations", [2]agentbridge.AgentName{c.OwnerA, c.OwnerB}, stands[c.ID])
			}
		}
		d.must(func(t store.Tx) error { return t.SetOwner("conv_00000000000000ff", agentbridge.SeatA, alice) })
		want(d, "an unknown Conversation", d.conversation("conv_00000000000000ff"), false)
	}},
	{"are not put twice", func(d *desk) {
		d.converse(talk)
		err := d.Update(context.Background(), func(t store.Tx) error {
			return t.PutConversation(store.Conversation{ID: talk, RoleA: "x", RoleB: "y", Generation: 9, CreatedAt: noon, ExpiresAt: noon})
		})
		if err == nil {
			d.Error("second PutConversation: got no error, want one")
		}
		got := get(d, func(r store.Reader) (int64, error) {
			c, _, err := r.Conversation(talk)
			return c.Generation, err
		})
		want(d, "Generation", got, 1)
	}},
	{"go with all they had but their audit entries", func(d *desk) {
		d.converse(talk)
		d.converse(other)
		d.say(talk, "gone")
		d.say(other, "stays")
		d.must(func(t store.Tx) error {
			c, err := lookup(t, talk.Channel())
			if err != nil {
				return err
			}
			if err := t.PutCursor(c, agentbridge.Cursor{Consumer: bob, Seq: 1, UpdatedAt: noon}, nil); err != nil {
				return err
			}
			return t.PutPresence(c, seatB, store.Presence{Status: agentbridge.Working, HeartbeatAt: noon})
		})
		before := d.entries(agentbridge.EntryQuery{Limit: 100})
		d.drop(talk)

		want(d, "Conversation", d.conversation(talk), false)
		want(d, "Conversations", d.ids(), []agentbridge.ConversationID{other})
		want(d, "texts", d.texts(talk.Channel()), nil)
		want(d, "texts of the other", d.texts(other.Channel()), []string{"stays"})
		want(d, "Entries", d.entries(agentbridge.EntryQuery{Limit: 100}), before)
		want(d, "Entries of it", len(d.entries(agentbridge.EntryQuery{Target: talk.Channel(), Limit: 100})), 1)

		d.converse(talk) // nothing of the old one shows in a new one
		want(d, "texts of the new one", d.texts(talk.Channel()), nil)
		want(d, "Transcript of the new one", d.transcript(talk), nil)
		want(d, "Unread in the new one", d.unread(talk, seatB), 0)
		_, ok := d.cursor(talk.Channel(), bob)
		want(d, "Cursor in the new one", ok, false)
		_, ok = d.present(talk, seatB)
		want(d, "Presence in the new one", ok, false)
		d.say(talk, "fresh")
		want(d, "Tally of the new one", d.tally(talk.Channel()), 1)
	}},
	{"that are unknown are dropped without harm", func(d *desk) {
		d.converse(other)
		d.drop(talk)
		want(d, "Conversations", d.ids(), []agentbridge.ConversationID{other})
	}},
}

var presence = []test{
	{"is what was last reported", func(d *desk) {
		d.converse(talk)
		_, ok := d.present(talk, seatB)
		want(d, "Presence before", ok, false)
		for _, step := range []struct{ put, stands store.Presence }{
			{store.Presence{HeartbeatAt: noon}, store.Presence{HeartbeatAt: noon}},
			{store.Presence{Status: agentbridge.Working, HeartbeatAt: noon.Add(1e9)}, store.Presence{Status: agentbridge.Working, HeartbeatAt: noon.Add(1e9)}},
			{store.Presence{HeartbeatAt: noon.Add(2e9)}, store.Presence{Status: agentbridge.Working, HeartbeatAt: noon.Add(2e9)}},                     // a heartbeat leaves the status
			{store.Presence{Status: agentbridge.Blocked, HeartbeatAt: noon}, store.Presence{Status: agentbridge.Blocked, HeartbeatAt: noon.Add(2e9)}}, // a late one makes nobody older
			{store.Presence{HeartbeatAt: noon.Add(-time.Hour)}, store.Presence{Status: agentbridge.Blocked, HeartbeatAt: noon.Add(-time.Hour)}},       // but a clock may be set back
		} {
			d.must(func(t store.Tx) error {
				c, err := lookup(t, talk.Channel())
				if err != nil {
					return err
				}
				return t.PutPresence(c, seatB, step.put)
			})
			got, ok := d.present(talk, seatB)
			want(d, "Presence found", ok, true)
			want(d, "Presence", got, step.stands)
		}
		_, ok = d.present(talk, seatA)
		want(d, "Presence of the partner", ok, false)
	}},
}

// converse makes a conversation as it is just after its creation.
func (d *desk) converse(id agentbridge.ConversationID) { d.Helper(); d.converseAt(id, noon) }

func (d *desk) converseAt(id agentbridge.ConversationID, at time.Time) {
	d.Helper()
	d.must(func(t store.Tx) error { return converse(t, id, at) })
}

func converse(t store.Tx, id agentbridge.ConversationID, at time.Time) error {
	if _, err := t.OpenChannel(id.Channel(), true); err != nil {
		return err
	}
	return t.PutConversation(store.Conversation{ID: id, RoleA: "asks", RoleB: "answers", Generation: 1, CreatedAt: at, ExpiresAt: at.Add(time.Hour)})
}

// say stores a message of seat a for seat b.
func (d *desk) say(id agentbridge.ConversationID, text string) (m agentbridge.Message) {
	d.Helper()
	d.must(func(t store.Tx) (err error) {
		m, err = say(t, id, text)
		return err
	})
	return m
}

func say(t store.Tx, id agentbridge.ConversationID, text string) (m agentbridge.Message, err error) {
	c, err := lookup(t, id.Channel())
	if err != nil {
		return m, err
	}
	if m, err = t.Append(c, agentbridge.Message{Sender: seatA, Content: text, Encoding: agentbridge.LegacyText, At: noon}); err != nil {
		return m, err
	}
	if err := t.PutReceipt(c, m.Seq, seatB); err != nil {
		return m, err
	}
	return m, t.Log(agentbridge.Entry{At: noon, Actor: seatA, Action: agentbridge.ActionSend, Target: id.Channel()})
}

func (d *desk) drop(id agentbridge.ConversationID) {
	d.Helper()
	d.must(func(t store.Tx) error { return t.DropConversation(id) })
}

func (d *desk) conversation(id agentbridge.ConversationID) bool {
	d.Helper()
	return get(d, func(r store.Reader) (bool, error) {
		_, ok, err := r.Conversation(id)
		return ok, err
	})
}

func (d *desk) owners(id agentbridge.ConversationID) [2]agentbridge.AgentName {
	d.Helper()
	return get(d, func(r store.Reader) ([2]agentbridge.AgentName, error) {
		c, _, err := r.Conversation(id)
		return [2]agentbridge.AgentName{c.OwnerA, c.OwnerB}, err
	})
}

func (d *desk) ids() []agentbridge.ConversationID {
	d.Helper()
	return get(d, func(r store.Reader) (ids []agentbridge.ConversationID, err error) {
		list, err := r.Conversations()
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		return ids, err
	})
}

func (d *desk) present(id agentbridge.ConversationID, agent agentbridge.AgentName) (p store.Presence, ok bool) {
	d.Helper()
	p = get(d, func(r store.Reader) (p store.Presence, err error) {
		c, err := lookup(r, id.Channel())
		if err != nil {
			return p, err
		}
		p, ok, err = r.Presence(c, agent)
		return p, err
	})
	return p, ok
}
