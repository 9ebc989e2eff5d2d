package sqlite

import (
	"math"
	"slices"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// Append implements store.Tx.
func (t *tx) Append(c store.Channel, m agentbridge.Message) (agentbridge.Message, error) {
	a, err := t.account(c)
	if err != nil {
		return m, err
	}
	m.Channel, m.Seq = c.Name, t.ledger.seq+1
	m.ID = agentbridge.NewMessageID(m.Seq)
	if err := t.exec(`
		INSERT INTO messages (seq, id, channel_id, nth, sent_at, sender, encoding, metadata, content)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(m.Seq), string(m.ID), c.ID, a.nth+1, m.At.UnixMicro(), string(m.Sender), string(m.Encoding), nullable(m.Metadata), m.Content); err != nil {
		return m, err
	}
	t.ledger.seq = m.Seq
	a.nth++
	return m, t.introduce(a, m.Sender)
}

// Find implements store.Reader.
func (r *reader) Find(c store.Channel, id agentbridge.MessageID) (agentbridge.Seq, bool, error) {
	seq := id.Position()
	if seq <= c.Floor {
		return 0, false, nil
	}
	_, ok, err := r.one(`
		SELECT 1
		FROM messages
		WHERE seq = ? AND id = ? AND channel_id = ?`, int64(seq), string(id), c.ID)
	return seq, ok, err
}

const (
	messageColumns = `m.seq, m.id, m.sent_at, m.sender, m.encoding, m.metadata, m.content`
	messageWidth   = 7 // how many these are
)

// message reads messageColumns.
func (r row) message(channel agentbridge.ChannelName) agentbridge.Message {
	return agentbridge.Message{
		Seq:      agentbridge.Seq(r.int(0)),
		ID:       agentbridge.MessageID(r.text(1)),
		Channel:  channel,
		At:       micros(r.int(2)),
		Sender:   agentbridge.AgentName(r.text(3)),
		Encoding: agentbridge.Encoding(r.text(4)),
		Metadata: r.metadata(5),
		Content:  r.text(6),
	}
}

// After implements store.Reader.
func (r *reader) After(c store.Channel, seq agentbridge.Seq, s store.Span) (page []agentbridge.Message, more bool, err error) {
	p := pager{channel: c.Name, span: s}
	err = r.each(`
		SELECT `+messageColumns+`
		FROM messages m
		WHERE m.channel_id = ? AND m.seq > ?
		ORDER BY m.seq
		LIMIT ? + 0`, []any{c.ID, int64(max(seq, c.Floor)), p.limit()}, p.add)
	return p.page, p.more, err
}

// Newest implements store.Reader.
func (r *reader) Newest(c store.Channel, before agentbridge.Seq, s store.Span) (page []agentbridge.Message, more bool, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	p := pager{channel: c.Name, span: s}
	err = r.each(`
		SELECT `+messageColumns+`
		FROM messages m
		WHERE m.channel_id = ? AND m.seq > ? AND m.seq < ?
		ORDER BY m.seq DESC
		LIMIT ? + 0`, []any{c.ID, int64(c.Floor), int64(before), p.limit()}, p.add)
	slices.Reverse(p.page)
	return p.page, p.more, err
}

// Message implements store.Reader.
func (r *reader) Message(id agentbridge.MessageID) (m agentbridge.Message, c store.Channel, ok bool, err error) {
	found, ok, err := r.one(`
		SELECT `+messageColumns+`, `+channelColumns+`
		FROM messages m
		JOIN channels c ON c.id = m.channel_id
		WHERE m.seq = ? AND m.id = ? AND m.seq > c.floor_seq`, int64(id.Position()), string(id))
	if ok {
		c = found.channel(messageWidth)
		m = found.message(c.Name)
	}
	return m, c, ok, err
}

// Aged implements store.Reader.
func (r *reader) Aged(c store.Channel, after agentbridge.Seq, than time.Time, limit int) (last agentbridge.Seq, more bool, err error) {
	n := 0
	err = r.each(`
		SELECT m.seq, m.sent_at
		FROM messages m
		WHERE m.channel_id = ? AND m.seq > ?
		ORDER BY m.seq
		LIMIT ? + 0`, []any{c.ID, int64(max(after, c.Floor)), limit},
		func(found row) (bool, error) {
			if !micros(found.int(1)).Before(than) {
				return false, nil
			}
			last = agentbridge.Seq(found.int(0))
			n++
			return true, nil
		})
	return last, n == limit, err
}

// pager gathers rows until a span is full.
type pager struct {
	channel agentbridge.ChannelName
	span    store.Span
	bytes   int
	page    []agentbridge.Message
	more    bool
}

// limit asks for one row more than wanted: it tells whether there is more.
func (p *pager) limit() int { return min(p.span.Limit, math.MaxInt32) + 1 }

func (p *pager) add(r row) (again bool, err error) {
	m := r.message(p.channel)
	if len(p.page) == p.span.Limit || !p.fits(m) {
		p.more = true
		return false, nil
	}
	p.page = append(p.page, m)
	return true, nil
}

func (p *pager) fits(m agentbridge.Message) bool {
	p.bytes += m.WireSize()
	return len(p.page) == 0 || p.bytes <= p.span.MaxBytes
}

// LastSeq implements store.Reader.
func (r *reader) LastSeq() (agentbridge.Seq, error) { return r.lastSeq() }

// lastSeq also counts messages that were removed.
func (s *session) lastSeq() (agentbridge.Seq, error) {
	r, _, err := s.one(`
		SELECT max(
			coalesce((SELECT max(seq) FROM messages), 0),
			coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'last_seq'), 0))`)
	if err != nil {
		return 0, err
	}
	return agentbridge.Seq(r.int(0)), nil
}
