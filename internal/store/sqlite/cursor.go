package sqlite

import (
	"agentbridge"
	"agentbridge/internal/store"
)

// Cursor implements store.Reader.
func (r *reader) Cursor(c store.Channel, consumer agentbridge.AgentName) (cur agentbridge.Cursor, ok bool, err error) {
	cur = agentbridge.Cursor{Consumer: consumer, Channel: c.Name}
	found, ok, err := r.one(`
		SELECT seq, message_id, updated_at
		FROM cursors
		WHERE channel_id = ? AND consumer = ?`, c.ID, string(consumer))
	if ok {
		cur.Seq = agentbridge.Seq(found.int(0))
		cur.MessageID = agentbridge.MessageID(found.text(1))
		cur.UpdatedAt = micros(found.int(2))
	}
	return cur, ok, err
}

// PutCursor implements store.Tx. The WHERE keeps a cursor from going back even
// if a caller forgot to look.
func (t *tx) PutCursor(c store.Channel, cur agentbridge.Cursor, metadata agentbridge.Metadata) error {
	return t.exec(`
		INSERT INTO cursors (channel_id, consumer, seq, message_id, updated_at, metadata)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (channel_id, consumer) DO UPDATE
		SET seq = excluded.seq,
			message_id = excluded.message_id,
			updated_at = excluded.updated_at,
			metadata = coalesce(excluded.metadata, metadata)
		WHERE excluded.seq > seq`,
		c.ID, string(cur.Consumer), int64(cur.Seq), string(cur.MessageID), cur.UpdatedAt.UnixMicro(), nullable(metadata))
}

// DropCursors implements store.Tx. It walks through all cursors, for what happens
// once for an agent. "0" is the character behind the slash.
func (t *tx) DropCursors(consumer agentbridge.AgentName) error {
	return t.exec(`
		DELETE FROM cursors
		WHERE consumer = ?1 OR consumer >= ?1 || '/' AND consumer < ?1 || '0'`, string(consumer))
}

// Keyed implements store.Reader. The key of a cleared message is free again,
// even while Sweep has not come to it.
func (r *reader) Keyed(c store.Channel, sender agentbridge.AgentName, key string) (k store.Keyed, ok bool, err error) {
	found, ok, err := r.one(`
		SELECT digest, seq, id, sent_at
		FROM idempotency_keys
		WHERE channel_id = ? AND sender = ? AND key = ? AND seq > ?`,
		c.ID, string(sender), key, int64(c.Floor))
	if ok {
		copy(k.Digest[:], found.blob(0))
		k.Sent = agentbridge.Sent{
			Seq:     agentbridge.Seq(found.int(1)),
			ID:      agentbridge.MessageID(found.text(2)),
			At:      micros(found.int(3)),
			Channel: c.Name,
			Sender:  sender,
		}
	}
	return k, ok, err
}

// PutKeyed implements store.Tx.
func (t *tx) PutKeyed(c store.Channel, sender agentbridge.AgentName, key string, k store.Keyed) error {
	return t.exec(`
		INSERT OR REPLACE INTO idempotency_keys (channel_id, sender, key, digest, seq, id, sent_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`,
		c.ID, string(sender), key, k.Digest[:], int64(k.Sent.Seq), string(k.Sent.ID), k.Sent.At.UnixMicro())
}
