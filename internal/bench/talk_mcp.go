package bench

import (
	"context"

	"agentbridge"
)

// Roles of the seats that agents take.
const (
	creatorRole = "bench_coordinator"
	partnerRole = "bench_worker"
)

type createArgs struct {
	Mine     string `json:"my_role"`
	Partners string `json:"partner_role"`
}

// Converse implements Talker.
func (a *mcpTalker) Converse(ctx context.Context) (first, second SeatKey, invite string, err error) {
	var data struct {
		ID     string `json:"conversation_id"`
		TokenA string `json:"session_a_token"`
		TokenB string `json:"session_b_token"`
		Invite string `json:"invite"`
	}
	err = a.tool(ctx, "create_conversation", createArgs{creatorRole, partnerRole}, &data)
	return SeatKey{data.ID, string(agentbridge.SeatA), data.TokenA}, SeatKey{data.ID, string(agentbridge.SeatB), data.TokenB}, data.Invite, stored(data.ID, err)
}

type joinArgs struct {
	Invite string `json:"invite"`
}

// Join implements Talker.
func (a *mcpTalker) Join(ctx context.Context, invite string) (SeatKey, error) {
	var data struct {
		ID    string `json:"conversation_id"`
		Seat  string `json:"session_id"`
		Token string `json:"session_b_token"`
	}
	err := a.tool(ctx, "join_conversation", joinArgs{invite}, &data)
	return SeatKey{data.ID, data.Seat, data.Token}, stored(data.ID, err)
}

// seatArgs are a seat's credentials. A token that is left out is the one that
// this agent's own process keeps.
type seatArgs struct {
	Conversation string `json:"conversation_id"`
	Seat         string `json:"session_id"`
	Token        string `json:"token,omitempty"`
}

type tellArgs struct {
	seatArgs
	Message string `json:"message"`
	Key     string `json:"idempotency_key,omitempty"`
}

// Tell implements Talker.
func (a *mcpTalker) Tell(ctx context.Context, from SeatKey, content, key string) (string, error) {
	var data struct {
		ID string `json:"message_id"`
	}
	err := a.tool(ctx, "send_to_partner", tellArgs{seatArgs(from), content, key}, &data)
	return data.ID, stored(data.ID, err)
}

// Check implements Talker.
func (a *mcpTalker) Check(ctx context.Context, as SeatKey) ([]Message, error) {
	var data struct {
		Messages []struct {
			ID      string `json:"id"`
			From    string `json:"from"`
			Message string `json:"message"`
			Again   bool   `json:"redelivered"`
		} `json:"messages"`
	}
	if err := a.tool(ctx, "check_messages", seatArgs(as), &data); err != nil {
		return nil, err
	}
	list := make([]Message, 0, len(data.Messages))
	for _, m := range data.Messages {
		list = append(list, Message{ID: m.ID, Sender: m.From, Content: m.Message, Again: m.Again})
	}
	return list, nil
}
