package bench

import (
	"context"
	"net/http"

	"agentbridge"
)

// acker is an agent that can move its cursor in a channel to a message: through
// every door.
type acker interface {
	Ack(ctx context.Context, channel, id string) error
}

// ackBody is of reference B's interface, as the tool's arguments and as a body.
type ackBody struct {
	Channel  string `json:"channel"`
	Consumer string `json:"consumer_id"`
	Message  string `json:"message_id"`
}

// Ack implements acker.
func (a *engineAgent) Ack(ctx context.Context, channel, id string) error {
	_, err := a.session.Ack(ctx, agentbridge.Ack{
		Channel: agentbridge.ChannelName(channel), Consumer: a.name, MessageID: agentbridge.MessageID(id),
	})
	return err
}

// Ack implements acker.
func (a *httpAgent) Ack(ctx context.Context, channel, id string) error {
	return a.ask(ctx, http.MethodPost, "/api/ack", ackBody{channel, a.name, id}, &struct{}{}, 0)
}

// Ack implements acker.
func (a *mcpAgent) Ack(ctx context.Context, channel, id string) error {
	return a.tool(ctx, "bridge_ack", ackBody{channel, a.name, id}, &struct{}{})
}
