package client

import (
	"context"

	"agentbridge"
	"agentbridge/internal/wire"
)

// CreateConversation implements agentbridge.Session.
func (c *Client) CreateConversation(ctx context.Context, mine, partners agentbridge.Role) (agentbridge.NewConversation, error) {
	w, err := ask(ctx, c, post("/api/conversations", wire.ConversationRequest{MyRole: mine, PartnerRole: partners}),
		func(w wire.Conversation) bool { return w.ConversationID.Channel().Private() })
	if err != nil {
		return agentbridge.NewConversation{}, err
	}
	until, err := wire.ReadTime(w.ExpiresAt)
	if err != nil {
		return agentbridge.NewConversation{}, c.foreign("the time in its answer makes no sense")
	}
	return agentbridge.NewConversation{ID: w.ConversationID, Seat: w.SessionID,
		TokenA: agentbridge.Token(w.SessionAToken), TokenB: agentbridge.Token(w.SessionBToken), ExpiresAt: until}, nil
}
