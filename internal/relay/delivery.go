package relay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/store"
)

// remarks is what a conversation message carries beside its text.
type remarks struct {
	ActionType agentbridge.ActionType `json:"action_type"`
	Files      []string               `json:"files_involved"`
}

func (r remarks) encode() agentbridge.Metadata {
	if r.Files == nil {
		r.Files = []string{}
	}
	b, err := json.Marshal(r)
	if err != nil {
		panic("relay: strings that can't be JSON: " + err.Error())
	}
	return agentbridge.Metadata(b)
}

// decodeRemarks reads metadata back. Whatever an older or a broken row holds,
// the message itself is still delivered.
func decodeRemarks(m agentbridge.Metadata) (r remarks) {
	_ = json.Unmarshal(m, &r)
	return r
}

// Check implements agentbridge.SeatSession.
//
// A message is offered in one transaction and marked as read in a second one,
// after the reply left. A crash in between leaves it offered; when OfferTime
// has passed it is handed out again, so that it is seen twice rather than
// never.
func (s *seat) Check(ctx context.Context, maxBytes int) (d agentbridge.Delivery, err error) {
	if err := s.may(ctx); err != nil {
		return d, err
	}
	act := s.action(limit.Check)
	waiting, err := s.waiting(ctx)
	if err != nil {
		return d, err
	}
	if !waiting { // most polls: they cost no commit
		d.Settle = func(bool) error { return nil }
		return d, s.beat(ctx, act)
	}
	offer := rand.Text()
	err = act.run(ctx, func() error { return s.offer(ctx, act, offer, maxBytes, &d) })
	d.Settle = func(left bool) error { return s.relay.settle(offer, left) }
	return d, err
}

// offer hands messages out under a name for the offer.
func (s *seat) offer(ctx context.Context, act *action, offer string, maxBytes int, d *agentbridge.Delivery) error {
	return s.update(ctx, "", func(t store.Tx, c store.Channel) error {
		if err := act.admit(t); err != nil {
			return err
		}
		now := time.Now()
		offered, remaining, err := t.Offer(c, s.seat.Agent(), offer, now, now.Add(agentbridge.OfferTime),
			store.Span{Limit: agentbridge.MaxCheck, MaxBytes: maxBytes})
		if err != nil || len(offered) == 0 {
			return err
		}
		d.Messages, d.Remaining = seatMessages(offered), remaining
		return t.Log(agentbridge.Entry{At: now, Actor: s.seat.Agent(), Action: agentbridge.ActionCheck, Target: c.Name,
			Detail: deed(s.owner(), map[string]any{"count": len(offered), "remaining": remaining})})
	})
}

func (s *seat) waiting(ctx context.Context) (waiting bool, err error) {
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		c, err := s.channel(v)
		if err != nil {
			return err
		}
		waiting, err = v.Waiting(c, s.seat.Agent(), time.Now())
		return err
	})
	return waiting, err
}

func seatMessages(offered []store.Receipt) []agentbridge.SeatMessage {
	var list []agentbridge.SeatMessage
	for _, r := range offered {
		extra := decodeRemarks(r.Message.Metadata)
		list = append(list, agentbridge.SeatMessage{
			ID:          r.Message.ID,
			Seq:         r.Message.Seq,
			From:        agentbridge.Seat(r.Message.Sender),
			Text:        r.Message.Content,
			ActionType:  extra.ActionType,
			Files:       extra.Files,
			At:          r.Message.At,
			Redelivered: r.Attempts > 1,
		})
	}
	return list
}

// settleTime bounds how long a settlement may take; after it the offer runs
// out by itself.
const settleTime = agentbridge.OfferTime / 2

// settle is not bound to the call that made the offer: that one has ended.
func (r *Relay) settle(offer string, left bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	return r.store.Update(ctx, func(t store.Tx) error { return t.SettleOffer(offer, left) })
}
