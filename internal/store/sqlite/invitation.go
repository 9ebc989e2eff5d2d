package sqlite

import (
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// Invitation implements store.Reader.
func (r *reader) Invitation(id string) (i store.Invitation, ok bool, err error) {
	found, ok, err := r.one(`
		SELECT conversation_id, digest, expires_at, tries
		FROM invitations
		WHERE id = ?`, id)
	if ok {
		i = store.Invitation{
			ID:           id,
			Conversation: agentbridge.ConversationID(found.text(0)),
			ExpiresAt:    micros(found.int(2)),
			Tries:        int(found.int(3)),
		}
		copy(i.Digest[:], found.blob(1))
	}
	return i, ok, err
}

// PutInvitation implements store.Tx.
func (t *tx) PutInvitation(i store.Invitation) error {
	return t.exec(`
		INSERT OR REPLACE INTO invitations (id, conversation_id, digest, expires_at, tries)
		VALUES (?, ?, ?, ?, ?)`,
		i.ID, string(i.Conversation), i.Digest[:], i.ExpiresAt.UnixMicro(), i.Tries)
}

// DropInvitation implements store.Tx.
func (t *tx) DropInvitation(id string) error {
	return t.exec(`DELETE FROM invitations WHERE id = ?`, id)
}

// DropInvitations implements store.Tx.
func (t *tx) DropInvitations(before time.Time) error {
	return t.exec(`DELETE FROM invitations WHERE expires_at < ?`, before.UnixMicro())
}
