package sqlite

import (
	"math"
	"time"

	"agentbridge"
	"agentbridge/internal/audit"
)

const entryColumns = `seq, at, actor, action, target, detail`

// Log implements store.Tx. Entries are numbered without a gap: an entry that is
// undone gives its number and its place in the tree back.
func (t *tx) Log(e agentbridge.Entry) error {
	l := t.ledger
	e.Seq = l.tree.Size() + 1
	before := l.tree
	l.text = audit.AppendEntry(l.text[:0], e)
	l.hashes = l.tree.Append(l.hashes[:0], l.text)
	if err := t.exec(`
		INSERT INTO audit (seq, at, actor, action, target, detail, hashes)
		VALUES (?, ?, ?, ?, ?, ?, ?)`,
		e.Seq, e.At.UnixMicro(), string(e.Actor), string(e.Action), string(e.Target), nullable(e.Detail), l.hashes); err != nil {
		l.tree = before // whoever called may go on and commit
		return err
	}
	t.topics = append(t.topics, e.Target)
	return nil
}

// Entries implements store.Reader.
func (r *reader) Entries(q agentbridge.EntryQuery) (list []agentbridge.Entry, err error) {
	add := func(found row) (bool, error) {
		list = append(list, found.entry())
		return true, nil
	}
	before := q.Before
	if before == 0 {
		before = math.MaxInt64
	}
	if q.Target == "" {
		err = r.each(`
			SELECT `+entryColumns+`
			FROM audit
			WHERE seq < ?
			ORDER BY seq DESC
			LIMIT ? + 0`, []any{before, q.Limit}, add)
		return list, err
	}
	// The second condition names the partial index; it holds for conversations
	// and for nothing else, which is what this query is for.
	err = r.each(`
		SELECT `+entryColumns+`
		FROM audit
		WHERE target = ? AND target >= 'conv_' AND target < 'conv`+"`"+`' AND seq < ?
		ORDER BY seq DESC
		LIMIT ? + 0`, []any{string(q.Target), before, q.Limit}, add)
	return list, err
}

// entry reads entryColumns. Every number is a time of its own, or an edit of it
// could go unnoticed.
func (r row) entry() agentbridge.Entry {
	return agentbridge.Entry{
		Seq:    r.int(0),
		At:     time.UnixMicro(r.int(1)).UTC(),
		Actor:  agentbridge.AgentName(r.text(2)),
		Action: agentbridge.Action(r.text(3)),
		Target: agentbridge.ChannelName(r.text(4)),
		Detail: r.metadata(5),
	}
}

// EntriesAfter implements store.Reader.
func (r *reader) EntriesAfter(after int64, limit int) ([]agentbridge.Entry, error) {
	return r.entriesAfter(after, limit)
}

func (s *session) entriesAfter(after int64, limit int) (list []agentbridge.Entry, err error) {
	err = s.each(`
		SELECT `+entryColumns+`
		FROM audit
		WHERE seq > ?
		ORDER BY seq
		LIMIT ? + 0`, []any{after, limit},
		func(found row) (bool, error) {
			list = append(list, found.entry())
			return true, nil
		})
	return list, err
}

// LastEntry implements store.Reader.
func (r *reader) LastEntry() (int64, error) { return r.head() }

// WalkEntries implements store.Reader.
func (r *reader) WalkEntries(after int64, f func(e agentbridge.Entry, hashes []byte) (bool, error)) error {
	return r.each(`
		SELECT `+entryColumns+`, hashes
		FROM audit
		WHERE seq > ?
		ORDER BY seq`, []any{after},
		func(found row) (bool, error) {
			if !found.isEntry() {
				return f(agentbridge.Entry{Seq: found.int(0)}, nil)
			}
			return f(found.entry(), found.blob(6))
		})
}

// isEntry tells whether the columns of an entry, and hashes, hold what they were
// made for. STRICT sees to that unless somebody changed the schema, and nobody
// can be kept from doing so who has the file: then there is an entry of which
// only its number can be told, and nothing beside it.
func (r row) isEntry() bool {
	_, at := r[1].(int64)
	_, actor := r[2].(string)
	_, action := r[3].(string)
	_, target := r[4].(string)
	_, detail := r[5].(string)
	_, hashes := r[6].([]byte)
	return at && actor && action && target && (detail || r.null(5)) && hashes
}

// EntryHashes implements store.Reader.
func (r *reader) EntryHashes(seq int64) ([]byte, error) { return r.entryHashes(seq) }

func (s *session) entryHashes(seq int64) ([]byte, error) {
	found, ok, err := s.one("SELECT hashes FROM audit WHERE seq = ?", seq)
	if !ok {
		return nil, err
	}
	return found.blob(0), nil
}

// topics returns the targets of the entries behind one and up to another.
func (s *session) topics(after, upTo int64) (topics []agentbridge.ChannelName, err error) {
	err = s.each(`
		SELECT DISTINCT target
		FROM audit
		WHERE seq > ? AND seq <= ?`, []any{after, upTo},
		func(found row) (bool, error) {
			topics = append(topics, agentbridge.ChannelName(found.text(0)))
			return true, nil
		})
	return topics, err
}
