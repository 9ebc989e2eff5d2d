package client

import (
	"context"

	"agentbridge"
	"agentbridge/internal/wire"
)

// JoinConversation implements agentbridge.Session. It is tried once: a code that
// was used in a try whose answer got lost is gone.
func (c *Client) JoinConversation(ctx context.Context, code agentbridge.Invite) (agentbridge.Joined, error) {
	w, err := ask(ctx, c, post("/api/conversations/join", wire.JoinRequest{Invite: string(code)}),
		func(w wire.Joined) bool {
			return w.ConversationID.Channel().Private() && w.SessionID == agentbridge.SeatB
		})
	if err != nil {
		return agentbridge.Joined{}, err
	}
	until, err := wire.ReadTime(w.ExpiresAt)
	if err != nil {
		return agentbridge.Joined{}, c.foreign("the time in its answer makes no sense")
	}
	return agentbridge.Joined{ID: w.ConversationID, Seat: w.SessionID, Token: agentbridge.Token(w.SessionBToken),
		Role: w.Role, Partner: w.PartnerRole, ExpiresAt: until}, nil
}
