package bridgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// Older puts a text into a channel as it was stored when nothing was taken out
// of texts yet. Such rows stay, and every reader has to be safe from them. It
// may be called from any goroutine.
func (b *Bridge) Older(channel agentbridge.ChannelName, sender agentbridge.AgentName, content string) (sent agentbridge.Sent, err error) {
	body, err := agentbridge.Text(content)
	if err != nil {
		return sent, err
	}
	m := agentbridge.Message{Sender: sender, Content: content, Encoding: body.Encoding(), At: now()}
	err = b.Store.Update(context.Background(), func(t store.Tx) error {
		c, err := t.OpenChannel(channel, false)
		if err != nil {
			return err
		}
		sent, err = keep(t, c, m)
		return err
	})
	return sent, err
}

// OlderSaid is Older for what a seat said to its partner.
func (b *Bridge) OlderSaid(from agentbridge.SeatCredential, d agentbridge.SeatDraft) (sent agentbridge.Sent, err error) {
	remarks, err := json.Marshal(map[string]any{"action_type": d.ActionType, "files_involved": append([]string{}, d.Files...)})
	if err != nil {
		return sent, err
	}
	m := agentbridge.Message{Sender: from.Seat.Agent(), Content: d.Text, Encoding: agentbridge.LegacyText, Metadata: remarks, At: now()}
	err = b.Store.Update(context.Background(), func(t store.Tx) error {
		c, err := t.OpenChannel(from.Conversation.Channel(), true)
		if err != nil {
			return err
		}
		if sent, err = keep(t, c, m); err != nil {
			return err
		}
		return t.PutReceipt(c, sent.Seq, from.Seat.Partner().Agent())
	})
	return sent, err
}

// OlderRoles gives a conversation in which nothing has been said roles that
// would be refused or changed today. Its tokens stay what they are.
func (b *Bridge) OlderRoles(id agentbridge.ConversationID, mine, partners agentbridge.Role) error {
	roles, err := json.Marshal(map[string]any{"role_a": mine, "role_b": partners})
	if err != nil {
		return err
	}
	return b.Store.Update(context.Background(), func(t store.Tx) error {
		conv, _, err := t.Conversation(id)
		if err != nil {
			return err
		}
		if err := t.DropConversation(id); err != nil {
			return err
		}
		if _, err := t.OpenChannel(id.Channel(), true); err != nil {
			return err
		}
		conv.RoleA, conv.RoleB = mine, partners
		if err := t.PutConversation(conv); err != nil {
			return err
		}
		return t.Log(agentbridge.Entry{At: conv.CreatedAt, Actor: agentbridge.SeatA.Agent(), Action: agentbridge.ActionCreateConversation,
			Target: id.Channel(), Detail: roles})
	})
}

func keep(t store.Tx, c store.Channel, m agentbridge.Message) (agentbridge.Sent, error) {
	m, err := t.Append(c, m)
	if err != nil {
		return agentbridge.Sent{}, err
	}
	sent := agentbridge.Sent{ID: m.ID, Seq: m.Seq, Channel: c.Name, Sender: m.Sender, At: m.At}
	return sent, t.Log(agentbridge.Entry{At: m.At, Actor: m.Sender, Action: agentbridge.ActionSend, Target: c.Name,
		Detail: agentbridge.Metadata(fmt.Appendf(nil, `{"id":%q,"seq":%d,"bytes":%d}`, m.ID, m.Seq, len(m.Content)))})
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
