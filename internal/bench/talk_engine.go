package bench

import (
	"context"

	"agentbridge"
)

// Converse implements Talker.
func (a *engineAgent) Converse(ctx context.Context) (first, second SeatKey, invite string, err error) {
	c, err := a.session.CreateConversation(ctx, creatorRole, partnerRole)
	if err != nil {
		return SeatKey{}, SeatKey{}, "", err
	}
	id := string(c.ID)
	return SeatKey{id, string(agentbridge.SeatA), string(c.TokenA)}, SeatKey{id, string(agentbridge.SeatB), string(c.TokenB)}, string(c.Invite), nil
}

// Join implements Talker.
func (a *engineAgent) Join(ctx context.Context, invite string) (SeatKey, error) {
	code, err := agentbridge.ParseInvite(invite)
	if err != nil {
		return SeatKey{}, err
	}
	j, err := a.session.JoinConversation(ctx, code)
	return SeatKey{string(j.ID), string(j.Seat), string(j.Token)}, err
}

// sit takes a seat anew for each call, as the tools do.
func (a *engineAgent) sit(ctx context.Context, k SeatKey) (agentbridge.SeatSession, error) {
	return a.bridge.Sit(ctx, agentbridge.Local(), agentbridge.SeatCredential{
		Conversation: agentbridge.ConversationID(k.Conversation), Seat: agentbridge.Seat(k.Seat), Token: agentbridge.Token(k.Token),
	})
}

// Tell implements Talker.
func (a *engineAgent) Tell(ctx context.Context, from SeatKey, content, key string) (string, error) {
	draft, err := agentbridge.ParseSeatDraft(content, "", nil)
	if err != nil {
		return "", err
	}
	draft.Key = key
	s, err := a.sit(ctx, from)
	if err != nil {
		return "", err
	}
	sent, err := s.Send(ctx, draft)
	return string(sent.ID), err
}

// Check implements Talker.
func (a *engineAgent) Check(ctx context.Context, as SeatKey) ([]Message, error) {
	s, err := a.sit(ctx, as)
	if err != nil {
		return nil, err
	}
	d, err := s.Check(ctx, agentbridge.MaxReplyBytes)
	if err != nil {
		return nil, err
	}
	if err := d.Settle(true); err != nil { // then they will come again
		return nil, err
	}
	list := make([]Message, 0, len(d.Messages))
	for _, m := range d.Messages {
		list = append(list, Message{ID: string(m.ID), Sender: string(m.From), Content: m.Text, Again: m.Redelivered})
	}
	return list, nil
}
