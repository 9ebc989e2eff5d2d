package relay

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/store"
)

// session implements agentbridge.Session for a local principal.
type session struct{ relay *Relay }

var _ agentbridge.Session = (*session)(nil)

// unverified is the actor of calls that name no sender, while the bridge is
// open to everybody on this machine.
const unverified agentbridge.AgentName = "local"

// channel looks a public channel up. Conversations are not found here, whoever
// asks and by whatever name.
func channel(v store.Reader, name agentbridge.ChannelName) (store.Channel, bool, error) {
	c, ok, err := v.Channel(name)
	return c, ok && !c.Private, err
}

// Read implements agentbridge.Session.
func (s *session) Read(ctx context.Context, r agentbridge.ReadRequest) (page agentbridge.Page, err error) {
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		page, err = read(v, r)
		return err
	})
	return page, err
}

func read(v store.Reader, r agentbridge.ReadRequest) (agentbridge.Page, error) {
	page := agentbridge.Page{Channel: r.Channel, Consumer: r.Consumer, Next: r.After}
	c, ok, err := channel(v, r.Channel)
	if err != nil || !ok {
		page.Stale = r.After != ""
		if err == nil && r.After.IsMark() { // a mark is good in any channel
			_, known, err := find(v, c, r.After)
			page.Stale = !known
			return page, err
		}
		return page, err
	}
	switch span := spanOf(r); {
	case r.After != "":
		var from agentbridge.Seq
		if from, ok, err = find(v, c, r.After); err != nil || !ok {
			page.Stale = true
			return page, err
		}
		page.Messages, page.More, err = v.After(c, from, span)
	case r.Consumer != "":
		var cur agentbridge.Cursor
		if cur, ok, err = v.Cursor(c, r.Consumer); err != nil {
			return page, err
		}
		page.Gap = ok && cur.Seq < c.Floor // the floor is always at a message, which stood behind the cursor
		page.Messages, page.More, err = v.After(c, cur.Seq, span)
	default:
		page.Messages, page.Older, err = v.Newest(c, r.Before, span)
	}
	if n := len(page.Messages); n > 0 {
		page.Next = page.Messages[n-1].ID
	}
	return page, err
}

// find returns the position of a cursor: a message of this channel, or a mark.
// A mark beyond all messages there ever were comes from another database.
func find(v store.Reader, c store.Channel, id agentbridge.MessageID) (agentbridge.Seq, bool, error) {
	if !id.IsMark() {
		return v.Find(c, id)
	}
	last, err := v.LastSeq()
	return id.Position(), id.Position() <= last, err
}

func spanOf(r agentbridge.ReadRequest) store.Span {
	s := store.Span{Limit: r.Limit, MaxBytes: r.MaxBytes}
	if s.Limit <= 0 {
		s.Limit = agentbridge.DefaultPage
	}
	if s.MaxBytes <= 0 {
		s.MaxBytes = agentbridge.MaxReplyBytes
	}
	s.Limit = min(s.Limit, agentbridge.MaxPage)
	return s
}

// Message implements agentbridge.Session.
func (s *session) Message(ctx context.Context, id agentbridge.MessageID) (m agentbridge.Message, err error) {
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		found, c, ok, err := v.Message(id)
		if err == nil && (!ok || c.Private) {
			return agentbridge.Refuse(agentbridge.NotFound, "", "no message has this id; it may have been removed")
		}
		m = found
		return err
	})
	return m, err
}

// Wait implements agentbridge.Session: read, and if there is nothing, wait for
// the channel's bell and read again.
func (s *session) Wait(ctx context.Context, r agentbridge.ReadRequest, timeout time.Duration) (agentbridge.Page, error) {
	if r.After == "" && r.Consumer == "" {
		return agentbridge.Page{}, agentbridge.Refuse(agentbridge.Required, "cursor",
			"waiting requires since_id or consumer_id; pass the last message id you have seen, or a stable consumer_id")
	}
	ear := s.relay.bell.Listen(r.Channel) // before the first look, or a message in between is missed
	defer ear.Close()
	timer := time.NewTimer(min(timeout, agentbridge.MaxWait))
	defer timer.Stop()
	for {
		page, err := s.Read(ctx, r)
		if err != nil || page.Stale || len(page.Messages) > 0 {
			return page, err
		}
		select {
		case <-ear.C:
		case <-timer.C:
			page.TimedOut = true
			return page, nil
		case <-ctx.Done():
			return page, ctx.Err()
		case <-s.relay.done:
			return page, agentbridge.Refuse(agentbridge.Closed, "", "the bridge is shutting down; reconnect and wait again from the same cursor")
		}
	}
}

// Ack implements agentbridge.Session.
func (s *session) Ack(ctx context.Context, a agentbridge.Ack) (cur agentbridge.Cursor, err error) {
	if err := s.relay.intake.label("consumer_id", string(a.Consumer)); err != nil {
		return cur, err
	}
	if a.Metadata, err = s.relay.intake.metadata("metadata", a.Metadata); err != nil {
		return cur, err
	}
	act := s.relay.action(limit.Ack, a.Consumer, a.Channel)
	err = act.update(ctx, func(t store.Tx) error {
		if err := act.admit(t); err != nil {
			return err
		}
		cur, err = ack(t, a)
		return err
	})
	return cur, err
}

func ack(t store.Tx, a agentbridge.Ack) (agentbridge.Cursor, error) {
	unknown := agentbridge.Refuse(agentbridge.NotFound, "message_id", "does not exist in this channel; acknowledge an id that bridge_receive or bridge_wait returned")
	c, ok, err := channel(t, a.Channel)
	if err != nil {
		return agentbridge.Cursor{}, err
	}
	if !ok {
		return agentbridge.Cursor{}, unknown
	}
	seq, ok, err := t.Find(c, a.MessageID)
	if err != nil {
		return agentbridge.Cursor{}, err
	}
	if !ok {
		return agentbridge.Cursor{}, unknown
	}
	cur, known, err := t.Cursor(c, a.Consumer)
	if err != nil || known && cur.Seq >= seq {
		return cur, err
	}
	cur = agentbridge.Cursor{Consumer: a.Consumer, Channel: c.Name, Seq: seq, MessageID: a.MessageID, UpdatedAt: time.Now(), Advanced: true}
	if err := t.PutCursor(c, cur, a.Metadata); err != nil {
		return cur, err
	}
	return cur, t.Log(agentbridge.Entry{At: cur.UpdatedAt, Actor: a.Consumer, Action: agentbridge.ActionAck, Target: c.Name,
		Detail: detail(map[string]any{"seq": seq})})
}

// listBytes bounds a channel listing, less what stands around it.
const listBytes = agentbridge.MaxReplyBytes - 4<<10

// Channels implements agentbridge.Session.
func (s *session) Channels(ctx context.Context, q agentbridge.ChannelQuery) (list agentbridge.ChannelList, err error) {
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		list, err = channels(v, q)
		return err
	})
	return list, err
}

func channels(v store.Reader, q agentbridge.ChannelQuery) (list agentbridge.ChannelList, err error) {
	if list.TotalChannels, list.TotalMessages, err = v.Totals(); err != nil {
		return list, err
	}
	left := q.MaxBytes
	if left <= 0 {
		left = listBytes
	}
	err = v.Channels(q.After, func(c store.Channel, t store.Tally) (bool, error) {
		line := agentbridge.ChannelInfo{Name: c.Name, Count: t.Messages, LastAt: t.LastAt}
		if q.Senders {
			if line.Senders, err = v.Senders(c, agentbridge.MaxSenders); err != nil {
				return false, err
			}
		}
		if left -= line.WireSize(); left < 0 && len(list.Channels) > 0 {
			list.Next = list.Channels[len(list.Channels)-1].Name
			return false, nil
		}
		list.Channels = append(list.Channels, line)
		return true, nil
	})
	return list, err
}

// Overview implements agentbridge.Session.
func (s *session) Overview(ctx context.Context, after agentbridge.ChannelName, perChannel, maxBytes int) (o agentbridge.Overview, err error) {
	span := spanOf(agentbridge.ReadRequest{Limit: min(max(perChannel, 1), agentbridge.MaxPerChannel), MaxBytes: maxBytes})
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		o, err = overview(v, after, span)
		return err
	})
	return o, err
}

// overview stops at the first channel whose newest messages don't fit any
// more: it is shown whole in the next call, or not at all.
func overview(v store.Reader, after agentbridge.ChannelName, span store.Span) (o agentbridge.Overview, err error) {
	left := span.MaxBytes
	err = v.Channels(after, func(c store.Channel, t store.Tally) (bool, error) {
		page, _, err := v.Newest(c, 0, span)
		if err != nil {
			return false, err
		}
		for _, m := range page {
			left -= m.WireSize()
		}
		if left < 0 && len(o.Channels) > 0 {
			o.Next = o.Channels[len(o.Channels)-1].Name
			return false, nil
		}
		o.Channels = append(o.Channels, agentbridge.ChannelView{Name: c.Name, Total: t.Messages, Messages: page})
		return true, nil
	})
	return o, err
}

// Clear implements agentbridge.Session.
func (s *session) Clear(ctx context.Context, name agentbridge.ChannelName) (cleared int64, err error) {
	act := s.relay.action(limit.Clear, unverified, name)
	err = act.update(ctx, func(t store.Tx) error {
		if err := act.admit(t); err != nil {
			return err
		}
		c, ok, err := channel(t, name)
		if err != nil || !ok {
			return err
		}
		if cleared, err = t.ClearChannel(c); err != nil {
			return err
		}
		return t.Log(agentbridge.Entry{At: time.Now(), Actor: unverified, Action: agentbridge.ActionClear, Target: c.Name,
			Detail: detail(removal{Cleared: cleared})})
	})
	if err == nil && cleared > 0 {
		s.relay.askSweep()
	}
	return cleared, err
}

// Ping implements agentbridge.Session.
func (s *session) Ping(ctx context.Context) (h agentbridge.Health, err error) {
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		h.Channels, h.Messages, err = v.Totals()
		return err
	})
	h.Time = time.Now()
	return h, err
}
