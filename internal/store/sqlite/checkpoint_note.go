package sqlite

import "agentbridge"

// LastCheckpoint implements store.Reader.
func (r *reader) LastCheckpoint() (c agentbridge.Checkpoint, ok bool, err error) {
	found, ok, err := r.one(`
		SELECT size, note
		FROM checkpoints
		ORDER BY size DESC
		LIMIT 1`)
	if ok {
		c = found.checkpoint()
	}
	return c, ok, err
}

// Checkpoints implements store.Reader.
func (r *reader) Checkpoints(f func(agentbridge.Checkpoint) (bool, error)) error {
	return r.each(`
		SELECT size, note
		FROM checkpoints
		ORDER BY size`, nil,
		func(found row) (bool, error) { return f(found.checkpoint()) })
}

// checkpoint reads size and note.
func (r row) checkpoint() agentbridge.Checkpoint {
	return agentbridge.Checkpoint{Size: r.int(0), Note: r.text(1)}
}

// PutCheckpoint implements store.Tx.
func (t *tx) PutCheckpoint(c agentbridge.Checkpoint) error {
	return t.exec(`
		INSERT INTO checkpoints (size, note)
		VALUES (?, ?)
		ON CONFLICT (size) DO NOTHING`, c.Size, c.Note)
}
