package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/client"
)

// message is one message as an agent was given it.
type message struct {
	id, sender, text string
	again            bool // marked as handed out before
	may              bool // it may come again without a mark: its reader has not acknowledged it
}

// agent is one client of a bridge, through whatever door. An error that is no
// refusal says nothing of whether the call was carried out.
type agent interface {
	send(ctx context.Context, channel, sender, text, key string) (sent, error)
	// wait returns messages behind an id ("" is the beginning) or, without one,
	// behind what a consumer has acknowledged. It returns none if the time runs
	// out.
	wait(ctx context.Context, channel, after, consumer string, timeout time.Duration) ([]message, error)
	ack(ctx context.Context, channel, consumer, id string) error
	close()
}

// sent is what a sender was told.
type sent struct {
	id       string
	repeated bool // an earlier send had stored it
}

// refusal is what a bridge says no with: it has heard the call and will not carry
// it out.
type refusal string

func (r refusal) Error() string { return string(r) }

// refused tells whether a call was answered with a no.
func refused(err error) bool {
	if _, ok := errors.AsType[refusal](err); ok {
		return true
	}
	switch agentbridge.CodeOf(err) {
	case agentbridge.Internal, agentbridge.Unreachable, agentbridge.Closed: // Internal is what is no refusal of ours at all
		return false
	}
	return true
}

// caller is an agent behind client.Client.
type caller struct{ session *client.Client }

// patience is how long a client of the JSON API tries by itself. It is short,
// so that little of a round is spent waiting for a bridge that is long back.
const patience = 400 * time.Millisecond

// overHTTP is an agent that uses the JSON API and the event streams.
func overHTTP(t testing.TB, url string) caller {
	t.Helper()
	c, err := client.New(client.Options{URL: url, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return caller{c}
}

func (c caller) close() { c.session.Close() }

func (c caller) send(ctx context.Context, channel, sender, text, key string) (sent, error) {
	body, err := agentbridge.Text(text)
	if err != nil {
		return sent{}, err
	}
	s, err := c.session.Send(ctx, agentbridge.Draft{Channel: agentbridge.ChannelName(channel), Sender: agentbridge.AgentName(sender), Body: body, Key: key})
	return sent{string(s.ID), s.Deduplicated}, err
}

func (c caller) wait(ctx context.Context, channel, after, consumer string, timeout time.Duration) ([]message, error) {
	if after == "" && consumer == "" {
		after = string(agentbridge.Mark(0))
	}
	page, err := c.session.Wait(ctx, agentbridge.ReadRequest{Channel: agentbridge.ChannelName(channel),
		After: agentbridge.MessageID(after), Consumer: agentbridge.AgentName(consumer), Limit: 50}, timeout)
	if err != nil {
		return nil, err
	}
	var list []message
	for _, m := range page.Messages {
		list = append(list, message{id: string(m.ID), sender: string(m.Sender), text: m.Content})
	}
	return list, nil
}

func (c caller) ack(ctx context.Context, channel, consumer, id string) error {
	_, err := c.session.Ack(ctx, agentbridge.Ack{Channel: agentbridge.ChannelName(channel), Consumer: agentbridge.AgentName(consumer), MessageID: agentbridge.MessageID(id)})
	return err
}

// Arguments of a tool and the data of its answer.
type (
	args = map[string]any
	data = map[string]any
)

// tools is an agent that calls tools, wherever its bridge runs.
type tools struct {
	call func(ctx context.Context, tool string, arguments args) (data, error)
	end  func()
}

func (a tools) close() { a.end() }

func (a tools) send(ctx context.Context, channel, sender, text, key string) (sent, error) {
	arguments := args{"channel": channel, "sender": sender, "content": text}
	if key != "" {
		arguments["idempotency_key"] = key
	}
	return a.told(ctx, "bridge_send", "id", arguments)
}

// told calls a tool that stores a message.
func (a tools) told(ctx context.Context, tool, id string, arguments args) (sent, error) {
	d, err := a.call(ctx, tool, arguments)
	if err != nil {
		return sent{}, err
	}
	name, ok := d[id].(string)
	if !ok || name == "" {
		return sent{}, refusal(fmt.Sprintf("%s answered without an id: %v", tool, d))
	}
	repeated, _ := d["deduplicated"].(bool)
	return sent{name, repeated}, nil
}

func (a tools) wait(ctx context.Context, channel, after, consumer string, timeout time.Duration) ([]message, error) {
	arguments := args{"channel": channel, "timeout_seconds": timeout.Seconds(), "limit": 50}
	if consumer != "" {
		arguments["consumer_id"] = consumer
	} else if after == "" {
		after = string(agentbridge.Mark(0))
	}
	if after != "" {
		arguments["since_id"] = after
	}
	d, err := a.call(ctx, "bridge_wait", arguments)
	return messagesOf(d, "content"), err
}

func (a tools) ack(ctx context.Context, channel, consumer, id string) error {
	_, err := a.call(ctx, "bridge_ack", args{"channel": channel, "consumer_id": consumer, "message_id": id})
	return err
}

// seat is what admits to a seat of a conversation.
type seat struct{ conversation, id, token string }

func (s seat) args(more args) args {
	more["conversation_id"], more["session_id"], more["token"] = s.conversation, s.id, s.token
	return more
}

// converse makes a conversation.
func (a tools) converse(t testing.TB) (first, second seat) {
	t.Helper()
	d, err := a.call(t.Context(), "create_conversation", args{"my_role": "backend_developer", "partner_role": "frontend_developer"})
	if err != nil {
		t.Fatalf("create_conversation: %v", err)
	}
	text := func(key string) string { s, _ := d[key].(string); return s }
	id := text("conversation_id")
	return seat{id, "a", text("session_a_token")}, seat{id, "b", text("session_b_token")}
}

// tell sends to the partner of a seat.
func (a tools) tell(ctx context.Context, from seat, text, key string) (sent, error) {
	return a.told(ctx, "send_to_partner", "message_id", from.args(args{"message": text, "idempotency_key": key}))
}

// check takes what is unread.
func (a tools) check(ctx context.Context, as seat) ([]message, error) {
	d, err := a.call(ctx, "check_messages", as.args(args{}))
	return messagesOf(d, "message"), err
}

func messagesOf(d data, text string) (list []message) {
	items, _ := d["messages"].([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		word := func(key string) string { s, _ := m[key].(string); return s }
		again, _ := m["redelivered"].(bool)
		list = append(list, message{id: word("id"), sender: word("sender") + word("from"), text: word(text), again: again})
	}
	return list
}

// answered takes a JSON-RPC response apart.
func answered(line []byte) (data, error) {
	var response struct {
		Result struct {
			IsError           bool
			StructuredContent map[string]any
			Content           []struct{ Text string }
		}
		Error *struct {
			Code    int
			Message string
		}
	}
	switch err := json.Unmarshal(line, &response); {
	case err != nil:
		return nil, fmt.Errorf("an answer that is no JSON (%w): %.300q", err, line)
	case response.Error != nil:
		return nil, refusal(fmt.Sprintf("JSON-RPC error %d: %s", response.Error.Code, response.Error.Message))
	case response.Result.IsError && len(response.Result.Content) > 0:
		return nil, refusal(response.Result.Content[0].Text)
	case response.Result.IsError:
		return nil, refusal("without a reason")
	}
	return response.Result.StructuredContent, nil
}
