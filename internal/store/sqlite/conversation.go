package sqlite

import (
	"agentbridge"
	"agentbridge/internal/store"
)

const conversationColumns = `id, role_a, role_b, generation, owner_a, owner_b, created_at, expires_at`

// conversation reads conversationColumns.
func (r row) conversation() store.Conversation {
	return store.Conversation{
		ID:         agentbridge.ConversationID(r.text(0)),
		RoleA:      agentbridge.Role(r.text(1)),
		RoleB:      agentbridge.Role(r.text(2)),
		Generation: r.int(3),
		OwnerA:     agentbridge.AgentName(r.text(4)),
		OwnerB:     agentbridge.AgentName(r.text(5)),
		CreatedAt:  micros(r.int(6)),
		ExpiresAt:  micros(r.int(7)),
	}
}

// Conversation implements store.Reader.
func (r *reader) Conversation(id agentbridge.ConversationID) (store.Conversation, bool, error) {
	found, ok, err := r.one(`
		SELECT `+conversationColumns+`
		FROM conversations
		WHERE id = ?`, string(id))
	if !ok {
		return store.Conversation{}, false, err
	}
	return found.conversation(), true, err
}

// Conversations implements store.Reader.
func (r *reader) Conversations() (list []store.Conversation, err error) {
	err = r.each(`
		SELECT `+conversationColumns+`
		FROM conversations
		ORDER BY created_at DESC, id`, nil,
		func(found row) (bool, error) {
			list = append(list, found.conversation())
			return true, nil
		})
	return list, err
}

// PutConversation implements store.Tx.
func (t *tx) PutConversation(c store.Conversation) error {
	return t.exec(`
		INSERT INTO conversations (`+conversationColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		string(c.ID), string(c.RoleA), string(c.RoleB), c.Generation, string(c.OwnerA), string(c.OwnerB),
		c.CreatedAt.UnixMicro(), c.ExpiresAt.UnixMicro())
}

// SetOwner implements store.Tx.
func (t *tx) SetOwner(id agentbridge.ConversationID, seat agentbridge.Seat, owner agentbridge.AgentName) error {
	return t.exec(`
		UPDATE conversations
		SET owner_a = CASE ?2 WHEN 'a' THEN ?3 ELSE owner_a END,
			owner_b = CASE ?2 WHEN 'b' THEN ?3 ELSE owner_b END
		WHERE id = ?1`,
		string(id), string(seat), string(owner))
}

// DropConversation implements store.Tx. Receipts, presence, cursors and keys go
// with the channel's row.
func (t *tx) DropConversation(id agentbridge.ConversationID) error {
	c, ok, err := t.Channel(id.Channel())
	if err != nil {
		return err
	}
	if ok {
		if err := t.dropChannel(c); err != nil {
			return err
		}
	}
	return t.exec(`DELETE FROM conversations WHERE id = ?`, string(id))
}

func (t *tx) dropChannel(c store.Channel) error {
	delete(t.ledger.channels, c.Name)
	if err := t.keepSeq(); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM messages WHERE channel_id = ?`, c.ID); err != nil {
		return err
	}
	return t.exec(`DELETE FROM channels WHERE id = ?`, c.ID)
}

// Presence implements store.Reader.
func (r *reader) Presence(c store.Channel, agent agentbridge.AgentName) (store.Presence, bool, error) {
	found, ok, err := r.one(`
		SELECT status, heartbeat_at
		FROM presence
		WHERE channel_id = ? AND agent = ?`, c.ID, string(agent))
	if !ok {
		return store.Presence{}, false, err
	}
	return store.Presence{Status: agentbridge.Status(found.text(0)), HeartbeatAt: micros(found.int(1))}, true, err
}

// PutPresence implements store.Tx. Of two heartbeats that overtook each other
// the later one stays.
func (t *tx) PutPresence(c store.Channel, agent agentbridge.AgentName, p store.Presence) error {
	return t.exec(`
		INSERT INTO presence (channel_id, agent, status, heartbeat_at)
		VALUES (?, ?, ?, ?)
		ON CONFLICT (channel_id, agent) DO UPDATE
		SET status = CASE excluded.status WHEN '' THEN status ELSE excluded.status END,
			heartbeat_at = CASE WHEN heartbeat_at > excluded.heartbeat_at + ?
				THEN excluded.heartbeat_at
				ELSE max(heartbeat_at, excluded.heartbeat_at) END`,
		c.ID, string(agent), string(p.Status), p.HeartbeatAt.UnixMicro(), agentbridge.AliveFor.Microseconds())
}
