package relay_test

import (
	"slices"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/store"
)

// deed is a call of one method and the rule that it has to ask.
type deed struct {
	rule string
	// do calls the method and tells whether it did what it should, or showed what
	// it should.
	do func(c *cell) (done bool, err error)
}

var deeds = map[string]deed{
	"Session.Send": {"send", func(c *cell) (bool, error) {
		sent, err := c.session.Send(c.Context(), bridgetest.NewAgent(c, c.session, c.label).Draft(c.channel, "two"))
		return err == nil && c.holds(sent.ID), err
	}},
	"Session.Read": {"read", func(c *cell) (bool, error) {
		page, err := c.session.Read(c.Context(), agentbridge.ReadRequest{Channel: c.channel})
		return len(page.Messages) == 1, err
	}},
	"Session.Wait": {"read", func(c *cell) (bool, error) {
		page, err := c.session.Wait(c.Context(), agentbridge.ReadRequest{Channel: c.channel, After: agentbridge.Mark(0)}, time.Second)
		return len(page.Messages) == 1, err
	}},
	"Session.Ack": {"acknowledge", func(c *cell) (bool, error) {
		cur, err := c.session.Ack(c.Context(), agentbridge.Ack{Channel: c.channel, Consumer: c.label, MessageID: c.sent.ID})
		return cur.Advanced, err
	}},
	"Session.Message": {"look messages up", func(c *cell) (bool, error) {
		m, err := c.session.Message(c.Context(), c.sent.ID)
		return m.Content == "one", err
	}},
	"Session.Follow": {"read", func(c *cell) (bool, error) {
		return c.hears(c.session.Follow(c.Context(), c.channel, agentbridge.Position(agentbridge.Mark(0))))
	}},
	"Session.Watch": {"read", func(c *cell) (bool, error) {
		return c.hears(c.session.Watch(c.Context(), []agentbridge.ChannelName{c.channel}, "0"))
	}},
	"Session.Watch(all)": {"watch channels", func(c *cell) (bool, error) {
		return c.hears(c.session.Watch(c.Context(), nil, "0"))
	}},
	"Session.Channels": {"list channels", func(c *cell) (bool, error) {
		list, err := c.session.Channels(c.Context(), agentbridge.ChannelQuery{Senders: true})
		shown := slices.ContainsFunc(list.Channels, func(i agentbridge.ChannelInfo) bool { return i.Name == c.channel })
		c.counts(shown, list.TotalChannels, list.TotalMessages, int64(len(list.Channels)))
		return shown, err
	}},
	"Session.Overview": {"list channels", func(c *cell) (bool, error) {
		o, err := c.session.Overview(c.Context(), "", 5, agentbridge.MaxReplyBytes)
		shown := slices.ContainsFunc(o.Channels, func(v agentbridge.ChannelView) bool { return v.Name == c.channel })
		c.counts(shown, int64(len(o.Channels)))
		return shown, err
	}},
	"Session.Clear": {"clear", func(c *cell) (bool, error) {
		n, err := c.session.Clear(c.Context(), c.channel)
		return n == 1 && !c.holds(c.sent.ID), err
	}},
	"Session.Ping": {"ping", func(c *cell) (bool, error) {
		h, err := c.session.Ping(c.Context())
		c.counts(h.Messages > 0, h.Channels, h.Messages)
		return h.Messages > 0, err
	}},
	"Session.Entries": {"read the audit log", func(c *cell) (bool, error) {
		page, err := c.session.Entries(c.Context(), agentbridge.EntryQuery{Limit: agentbridge.MaxEntries})
		of := func(target agentbridge.ChannelName) bool {
			return slices.ContainsFunc(page.Entries, func(e agentbridge.Entry) bool { return e.Target == target })
		}
		if of(c.conv.ID.Channel()) != (err == nil && c.who.Verified()) {
			c.Errorf("Entries() shows the conversation's: %v", of(c.conv.ID.Channel()))
		}
		return of(c.channel), err
	}},
	"Session.CreateConversation": {"hold conversations", func(c *cell) (known bool, err error) {
		conv, err := c.session.CreateConversation(c.Context(), "role_a", "role_b")
		c.view(func(v store.Reader) (err error) { _, known, err = v.Conversation(conv.ID); return err })
		return known, err
	}},
	"Session.JoinConversation": {"hold conversations", func(c *cell) (bool, error) {
		joined, err := c.session.JoinConversation(c.Context(), c.conv.Invite)
		return joined.ID == c.conv.ID, err
	}},
	"SeatSession.Send": {"hold conversations", func(c *cell) (bool, error) {
		return c.sits(func(s agentbridge.SeatSession) (bool, error) {
			sent, err := s.Send(c.Context(), agentbridge.SeatDraft{Text: "two", ActionType: "info"})
			return err == nil && c.holds(sent.ID), err
		})
	}},
	"SeatSession.Check": {"hold conversations", func(c *cell) (bool, error) {
		return c.sits(func(s agentbridge.SeatSession) (bool, error) {
			d, err := s.Check(c.Context(), agentbridge.MaxReplyBytes)
			return len(d.Messages) == 1, err
		})
	}},
	"SeatSession.SetStatus": {"hold conversations", func(c *cell) (done bool, err error) {
		return c.sits(func(s agentbridge.SeatSession) (bool, error) {
			err := s.SetStatus(c.Context(), agentbridge.Blocked)
			c.view(func(v store.Reader) error {
				ch, _, err := v.Channel(c.conv.ID.Channel())
				p, _, _ := v.Presence(ch, agentbridge.SeatA.Agent())
				done = p.Status == agentbridge.Blocked
				return err
			})
			return done, err
		})
	}},
	"SeatSession.Partner": {"hold conversations", func(c *cell) (bool, error) {
		return c.sits(func(s agentbridge.SeatSession) (bool, error) {
			p, err := s.Partner(c.Context())
			return err == nil && p.Role == "role_b", err
		})
	}},
}
