package relay

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/store"
)

// session implements agentbridge.Session for a principal.
type session struct {
	relay *Relay
	who   agentbridge.Principal
}

var _ agentbridge.Session = (*session)(nil)

// unverified is the actor of calls of principals without a name that name no
// sender either.
const unverified agentbridge.AgentName = "local"

// channel looks a public channel up. Conversations are not found here, whoever
// asks and by whatever name.
func channel(v store.Reader, name agentbridge.ChannelName) (store.Channel, bool, error) {
	c, ok, err := v.Channel(name)
	return c, ok && !c.Private, err
}

// Read implements agentbridge.Session.
func (s *session) Read(ctx context.Context, r agentbridge.ReadRequest) (page agentbridge.Page, err error) {
	if err := s.mayRead(ctx, r); err != nil {
		return page, err
	}
	return s.read(ctx, r)
}

// mayRead admits a read, from a cursor of somebody who may use it.
func (s *session) mayRead(ctx context.Context, r agentbridge.ReadRequest) error {
	if err := s.may(ctx, opRead, r.Channel); err != nil || r.Consumer == "" {
		return err
	}
	_, err := s.consumer(ctx, opRead, r.Channel, r.Consumer)
	return err
}

func (s *session) read(ctx context.Context, r agentbridge.ReadRequest) (page agentbridge.Page, err error) {
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		page, err = read(v, r, s.sight())
		return err
	})
	return page, err
}

func read(v store.Reader, r agentbridge.ReadRequest, see sight) (agentbridge.Page, error) {
	page := agentbridge.Page{Channel: r.Channel, Consumer: r.Consumer, Next: r.After}
	c, ok, err := channel(v, r.Channel)
	if err != nil || !ok {
		page.Stale = r.After != ""
		if err == nil && r.After.IsMark() { // a mark is good in any channel
			_, known, err := find(v, c, r.After, see)
			page.Stale = !known
			return page, err
		}
		return page, err
	}
	switch span := spanOf(r); {
	case r.After != "":
		var from agentbridge.Seq
		if from, ok, err = find(v, c, r.After, see); err != nil || !ok {
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
// A mark beyond all messages there ever were comes from another database. Who
// does not see all of them has marks of this channel only, or it could count the
// others.
func find(v store.Reader, c store.Channel, id agentbridge.MessageID, see sight) (agentbridge.Seq, bool, error) {
	if !id.IsMark() {
		return v.Find(c, id)
	}
	reached := v.LastSeq
	if !see.all {
		reached = func() (agentbridge.Seq, error) { return lastIn(v, c) }
	}
	last, err := reached()
	return id.Position(), id.Position() <= last, err
}

// lastIn is the position of the last message of a channel, also if it has been
// removed.
func lastIn(v store.Reader, c store.Channel) (agentbridge.Seq, error) {
	newest, _, err := v.Newest(c, 0, store.Span{Limit: 1})
	if err != nil || len(newest) == 0 {
		return c.Floor, err
	}
	return newest[0].Seq, nil
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

// Message implements agentbridge.Session. What the principal does not see looks
// like what is not there, to a stopwatch too.
func (s *session) Message(ctx context.Context, id agentbridge.MessageID) (m agentbridge.Message, err error) {
	if err := s.may(ctx, opFind, ""); err != nil {
		return m, err
	}
	see, ok := s.sight(), false
	var c store.Channel
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		m, c, ok, err = v.Message(id)
		return err
	})
	if err == nil && ok && !c.Private && see.of(c.Name) {
		return m, nil
	}
	if err == nil {
		err = agentbridge.Refuse(agentbridge.NotFound, "", "no message has this id; it may have been removed")
	}
	if ok {
		s.relay.denyUnseen(trespass{who: s.who, action: agentbridge.ActionForbidden, op: opFind}, c.Name)
	}
	return agentbridge.Message{}, err
}

// Wait implements agentbridge.Session: read, and if there is nothing, wait for
// the channel's bell and read again.
func (s *session) Wait(ctx context.Context, r agentbridge.ReadRequest, timeout time.Duration) (agentbridge.Page, error) {
	if err := s.mayRead(ctx, r); err != nil {
		return agentbridge.Page{}, err
	}
	if r.After == "" && r.Consumer == "" {
		return agentbridge.Page{}, agentbridge.Refuse(agentbridge.Required, "cursor",
			"waiting requires since_id or consumer_id; pass the last message id you have seen, or a stable consumer_id")
	}
	ear := s.relay.bell.Listen(r.Channel) // before the first look, or a message in between is missed
	defer ear.Close()
	timer := time.NewTimer(min(timeout, agentbridge.MaxWait))
	defer timer.Stop()
	for {
		if err := ended(s.who); err != nil {
			return agentbridge.Page{}, err
		}
		page, err := s.read(ctx, r)
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
		case <-end(s.who):
			return page, ended(s.who)
		case <-s.relay.done:
			return page, agentbridge.Refuse(agentbridge.Closed, "", "the bridge is shutting down; reconnect and wait again from the same cursor")
		}
	}
}

// Ack implements agentbridge.Session.
func (s *session) Ack(ctx context.Context, a agentbridge.Ack) (cur agentbridge.Cursor, err error) {
	if err := s.may(ctx, opAck, a.Channel); err != nil {
		return cur, err
	}
	if a.Consumer, err = s.acker(ctx, a); err != nil {
		return cur, err
	}
	if err := s.relay.intake.label("consumer_id", string(a.Consumer)); err != nil {
		return cur, err
	}
	if a.Metadata, err = s.relay.intake.metadata("metadata", a.Metadata); err != nil {
		return cur, err
	}
	act := s.relay.action(limit.Ack, s.who, a.Consumer, a.Channel)
	err = act.update(ctx, func(t store.Tx) error {
		if err := act.admit(t); err != nil {
			return err
		}
		cur, err = ack(t, s.who, a, act.actor)
		return err
	})
	return cur, err
}

// acker is whose cursor an acknowledgement moves. A verified principal need not
// say that it means its own.
func (s *session) acker(ctx context.Context, a agentbridge.Ack) (agentbridge.AgentName, error) {
	if a.Consumer != "" {
		return s.consumer(ctx, opAck, a.Channel, a.Consumer)
	}
	if !s.who.Verified() {
		return "", agentbridge.Refuse(agentbridge.Required, "consumer_id", "must not be empty; say whose cursor is to move")
	}
	return s.who.Name, nil
}

func ack(t store.Tx, who agentbridge.Principal, a agentbridge.Ack, actor agentbridge.AgentName) (agentbridge.Cursor, error) {
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
	about := map[string]any{"seq": seq}
	if a.Consumer != actor {
		about["consumer"] = a.Consumer
	}
	return cur, t.Log(agentbridge.Entry{At: cur.UpdatedAt, Actor: actor, Action: agentbridge.ActionAck, Target: c.Name, Detail: deed(who, about)})
}

// Clear implements agentbridge.Session.
func (s *session) Clear(ctx context.Context, name agentbridge.ChannelName) (cleared int64, err error) {
	if err := s.may(ctx, opClear, name); err != nil {
		return 0, err
	}
	act := s.relay.action(limit.Clear, s.who, "", name)
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
		return t.Log(agentbridge.Entry{At: time.Now(), Actor: act.actor, Action: agentbridge.ActionClear, Target: c.Name,
			Detail: detail(removal{Cleared: cleared, Verified: s.who.Verified()})})
	})
	if err == nil && cleared > 0 {
		s.relay.askSweep()
	}
	return cleared, err
}
