package mcpserver

import (
	"context"

	"agentbridge"
	"agentbridge/internal/wire"
)

func createConversation(ctx context.Context, c *invocation) (*reply, error) {
	mine, partners := c.args.required("my_role"), c.args.required("partner_role")
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	myRole, err := agentbridge.ParseRole("my_role", mine)
	if err != nil {
		return nil, err
	}
	partnerRole, err := agentbridge.ParseRole("partner_role", partners)
	if err != nil {
		return nil, err
	}
	n, err := s.CreateConversation(ctx, myRole, partnerRole)
	if err != nil {
		return nil, err
	}
	c.keys.gave(n.Invite)
	c.keys.keep(n.ID, agentbridge.SeatA, n.TokenA)
	c.keys.keep(n.ID, agentbridge.SeatB, n.TokenB)
	if c.keys != nil && n.TokenB == "" { // no client of this bridge was made for tokens of both sides
		n.TokenA = ""
	}
	f := newFence()
	f.sayf("Conversation %s is open until %s. You are session a.", n.ID, agentbridge.FormatTime(n.ExpiresAt))
	f.sayf("Give your partner this code over a channel you trust: %s. It works once, until %s, with join_conversation.", string(n.Invite), agentbridge.FormatTime(n.InviteExpires))
	if n.TokenA != "" {
		f.sayf("Your token, keep it secret: %s", string(n.TokenA))
	}
	if n.TokenB != "" {
		f.sayf("A partner that can't join is session b with token: %s", string(n.TokenB))
	}
	c.sayNeeds(f)
	return &reply{text: f.String(), data: wire.ConversationOf(n)}, nil
}

// ownInvite is what the engine tells creators whom it knows by name. Whoever sat
// on both sides would speak for his partner.
var ownInvite = agentbridge.Refuse(agentbridge.Forbidden, "invite",
	"is for your partner: you created this conversation and are its session a; give the code to the other agent, it still works")

func joinConversation(ctx context.Context, c *invocation) (*reply, error) {
	code, err := agentbridge.ParseInvite(c.args.required("invite"))
	c.args.check(err)
	if err := c.args.done(); err != nil {
		return nil, err
	}
	who, err := c.principal(ctx)
	if err != nil {
		return nil, err
	}
	s, err := c.bridge.Open(ctx, who)
	if err != nil {
		return nil, err
	}
	if !who.Verified() && c.keys.isOwn(code) { // the engine refuses others, and writes it down
		return nil, ownInvite
	}
	j, err := s.JoinConversation(ctx, code)
	if err != nil {
		return nil, err
	}
	if c.keys != nil {
		c.keys.keep(j.ID, j.Seat, j.Token)
		j.Token = ""
	}
	f := newFence()
	f.sayf("You are session %s (%s) of conversation %s, open until %s. Your partner is session %s (%s).",
		j.Seat, quote(j.Role), j.ID, agentbridge.FormatTime(j.ExpiresAt), j.Seat.Partner(), quote(j.Partner))
	if j.Token != "" {
		f.sayf("Your token, keep it secret: %s", string(j.Token))
	}
	c.sayNeeds(f)
	return &reply{text: f.String(), data: wire.JoinedOf(j)}, nil
}

// sayNeeds tells what the calls of a conversation take.
func (h *host) sayNeeds(f *fence) {
	if h.keys != nil {
		f.sayf("Every call needs conversation_id and session_id. This bridge keeps the token: leave it out.")
		return
	}
	f.sayf("Every call needs conversation_id, session_id and token.")
}
