package sqlite

import (
	"math"

	"agentbridge"
)

const entryColumns = `seq, at, actor, action, target, detail`

// Log implements store.Tx. Entries are numbered without a gap: an entry that is
// undone gives its number back.
func (t *tx) Log(e agentbridge.Entry) error {
	if err := t.exec(`
		INSERT INTO audit (seq, at, actor, action, target, detail)
		VALUES (?, ?, ?, ?, ?, ?)`,
		t.ledger.audit+1, e.At.UnixMicro(), string(e.Actor), string(e.Action), string(e.Target), nullable(e.Detail)); err != nil {
		return err
	}
	t.ledger.audit++
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

// entry reads entryColumns.
func (r row) entry() agentbridge.Entry {
	return agentbridge.Entry{
		Seq:    r.int(0),
		At:     micros(r.int(1)),
		Actor:  agentbridge.AgentName(r.text(2)),
		Action: agentbridge.Action(r.text(3)),
		Target: agentbridge.ChannelName(r.text(4)),
		Detail: r.metadata(5),
	}
}

// EntriesAfter implements store.Reader.
func (r *reader) EntriesAfter(after int64, limit int) (list []agentbridge.Entry, err error) {
	err = r.each(`
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
