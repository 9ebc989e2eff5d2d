package httpapi

import (
	"context"

	"agentbridge"
	"agentbridge/internal/wire"
)

// createConversation is POST /api/conversations. Its answer holds secrets.
func createConversation(ctx context.Context, c *call) (any, error) {
	c.header.Set("Cache-Control", "no-store")
	f, err := readBody(c)
	if err != nil {
		return nil, err
	}
	mine, err := f.role("my_role")
	if err != nil {
		return nil, err
	}
	partners, err := f.role("partner_role")
	if err != nil {
		return nil, err
	}
	conversation, err := c.session.CreateConversation(ctx, mine, partners)
	if err != nil {
		return nil, err
	}
	return wire.ConversationOf(conversation), nil
}

// joinConversation is POST /api/conversations/join. Its answer holds a secret.
func joinConversation(ctx context.Context, c *call) (any, error) {
	c.header.Set("Cache-Control", "no-store")
	f, err := readBody(c)
	if err != nil {
		return nil, err
	}
	text, err := f.text("invite")
	if err != nil {
		return nil, err
	}
	code, err := agentbridge.ParseInvite(text)
	if err != nil {
		return nil, err
	}
	joined, err := c.session.JoinConversation(ctx, code)
	if err != nil {
		return nil, err
	}
	return wire.JoinedOf(joined), nil
}
