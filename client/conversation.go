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
	return c.readConversation(w)
}

// readConversation reads an answer to a creation. A bridge that knows no
// invitations gave none.
func (c *Client) readConversation(w wire.Conversation) (n agentbridge.NewConversation, err error) {
	n = agentbridge.NewConversation{ID: w.ConversationID, Seat: w.SessionID,
		TokenA: agentbridge.Token(w.SessionAToken), TokenB: agentbridge.Token(w.SessionBToken)}
	if n.ExpiresAt, err = wire.ReadTime(w.ExpiresAt); err != nil {
		return agentbridge.NewConversation{}, c.foreign("the time in its answer makes no sense")
	}
	if w.Invite == "" {
		return n, nil
	}
	n.Invite, err = agentbridge.ParseInvite(w.Invite)
	if err == nil {
		n.InviteExpires, err = wire.ReadTime(w.InviteExpires)
	}
	if err != nil {
		return agentbridge.NewConversation{}, c.foreign("the invite in its answer makes no sense")
	}
	return n, nil
}
