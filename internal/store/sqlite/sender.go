package sqlite

import (
	"agentbridge"
	"agentbridge/internal/store"
)

// Who wrote in a channel is kept apart, for a listing to name them without
// reading all messages. A sender is written once; after that the ledger knows
// him and a send does not touch the table.

// maxIntroduced bounds what the ledger remembers of one channel; forgetting
// costs a lookup.
const maxIntroduced = 1000

// introduce keeps a sender of a public channel.
func (t *tx) introduce(a *account, sender agentbridge.AgentName) error {
	if a.Private {
		return nil
	}
	if _, known := a.senders[sender]; known {
		return nil
	}
	if a.senders == nil || len(a.senders) >= maxIntroduced {
		a.senders = map[agentbridge.AgentName]struct{}{}
	}
	a.senders[sender] = struct{}{}
	return t.exec(`
		INSERT INTO senders (channel_id, sender)
		VALUES (?, ?)
		ON CONFLICT DO NOTHING`, a.ID, string(sender))
}

// forgetSenders is for a channel that holds no messages any more.
func (t *tx) forgetSenders(c store.Channel) error {
	return t.exec(`DELETE FROM senders WHERE channel_id = ?`, c.ID)
}

// Senders implements store.Reader.
func (r *reader) Senders(c store.Channel, limit int) (list []agentbridge.AgentName, err error) {
	err = r.each(`
		SELECT sender
		FROM senders
		WHERE channel_id = ?
		ORDER BY sender
		LIMIT ? + 0`, []any{c.ID, limit},
		func(found row) (bool, error) {
			list = append(list, agentbridge.AgentName(found.text(0)))
			return true, nil
		})
	return list, err
}

// Wrote implements store.Reader.
func (r *reader) Wrote(c store.Channel, sender agentbridge.AgentName) (bool, error) {
	_, ok, err := r.one(`
		SELECT 1
		FROM senders
		WHERE channel_id = ? AND sender = ?`, c.ID, string(sender))
	return ok, err
}
