package sqlite

import (
	"agentbridge"
	"agentbridge/internal/store"
)

// WalkMessages implements store.Reader. The messages are the outer loop, so that
// they come in their order without being sorted.
func (r *reader) WalkMessages(after agentbridge.Seq, f func(m agentbridge.Message, sealed error) (bool, error)) error {
	return r.each(`
		SELECT `+messageColumns+`, c.name
		FROM messages m
		CROSS JOIN channels c ON c.id = m.channel_id
		WHERE m.seq > ? AND m.seq > c.floor_seq
		ORDER BY m.seq`, []any{int64(after)},
		func(found row) (bool, error) {
			m, sealed := r.unseal(found, agentbridge.ChannelName(found.text(messageWidth)))
			if sealed != nil && r.locked() != nil {
				sealed = store.ErrNoKey
			}
			return f(m, sealed)
		})
}
