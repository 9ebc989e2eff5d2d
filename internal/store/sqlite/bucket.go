package sqlite

import "time"

// Buckets of limits are written by the transactions that they admit or not, so
// that all processes and restarts share them exactly.

// Bucket implements store.Tx.
func (t *tx) Bucket(key string) (state []byte, err error) {
	found, ok, err := t.one(`
		SELECT state
		FROM buckets
		WHERE key = ?`, key)
	if ok {
		state = found.blob(0)
	}
	return state, err
}

// PutBucket implements store.Tx.
func (t *tx) PutBucket(key string, state []byte, fullAt time.Time) error {
	return t.exec(`
		INSERT INTO buckets (key, state, full_at)
		VALUES (?, ?, ?)
		ON CONFLICT (key) DO UPDATE
		SET state = excluded.state,
			full_at = excluded.full_at`, key, state, fullAt.UnixMicro())
}

// FullBuckets implements store.Reader.
func (r *reader) FullBuckets(now time.Time, limit int) (int64, error) {
	found, _, err := r.one(`
		SELECT count(*)
		FROM (
			SELECT 1
			FROM buckets
			WHERE full_at <= ?
			LIMIT ? + 0)`, now.UnixMicro(), limit)
	if err != nil {
		return 0, err
	}
	return found.int(0), nil
}

// DropBuckets implements store.Tx.
func (t *tx) DropBuckets(now time.Time, limit int) (int64, error) {
	return t.changed(`
		DELETE FROM buckets
		WHERE key IN (
			SELECT key
			FROM buckets
			WHERE full_at <= ?
			LIMIT ? + 0)`, now.UnixMicro(), limit)
}
