package sqlite

import (
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

const credentialColumns = `id, agent, digest, created_at, expires_at, rotated_at, used_at`

// credential reads credentialColumns.
func (r row) credential() store.Credential {
	c := store.Credential{
		ID:        r.text(0),
		Agent:     agentbridge.AgentName(r.text(1)),
		CreatedAt: micros(r.int(3)),
		ExpiresAt: micros(r.int(4)),
		RotatedAt: r.moment(5),
		UsedAt:    r.moment(6),
	}
	copy(c.Digest[:], r.blob(2))
	return c
}

// Credential implements store.Reader.
func (r *reader) Credential(id string) (c store.Credential, ok bool, err error) {
	found, ok, err := r.one(`
		SELECT `+credentialColumns+`
		FROM credentials
		WHERE id = ?`, id)
	if ok {
		c = found.credential()
	}
	return c, ok, err
}

// Credentials implements store.Reader.
func (r *reader) Credentials(name agentbridge.AgentName) (list []store.Credential, err error) {
	err = r.each(`
		SELECT `+credentialColumns+`
		FROM credentials
		WHERE agent = ?
		ORDER BY created_at DESC, id`, []any{string(name)},
		func(found row) (bool, error) {
			list = append(list, found.credential())
			return true, nil
		})
	return list, err
}

// PutCredential implements store.Tx. Whose it is and what it is the digest of
// never changes: of two tokens that share an id the second is refused.
func (t *tx) PutCredential(c store.Credential) error {
	n, err := t.changed(`
		INSERT INTO credentials (`+credentialColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE
		SET created_at = excluded.created_at,
			expires_at = excluded.expires_at,
			rotated_at = excluded.rotated_at,
			used_at = excluded.used_at
		WHERE agent = excluded.agent AND digest = excluded.digest`,
		c.ID, string(c.Agent), c.Digest[:], c.CreatedAt.UnixMicro(), c.ExpiresAt.UnixMicro(), moment(c.RotatedAt), moment(c.UsedAt))
	if err == nil && n == 0 {
		return agentbridge.Refuse(agentbridge.Conflict, "", "another token has the same id; ask for a new one")
	}
	return err
}

// moment is a time as a column value, NULL for none.
func moment(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UnixMicro()
}

// moment reads a time column that may be NULL.
func (r row) moment(i int) time.Time {
	if r.null(i) {
		return time.Time{}
	}
	return micros(r.int(i))
}
