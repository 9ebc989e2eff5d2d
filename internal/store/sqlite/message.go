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
	b, err := t.body(m)
	if err != nil {
		return m, err
	}
	if err := t.exec(`
		INSERT INTO messages (seq, id, channel_id, nth, sent_at, sender, encoding, metadata, content, verified, sealed_by, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(m.Seq), string(m.ID), c.ID, a.nth+1, m.At.UnixMicro(), string(m.Sender), string(m.Encoding),
		b.metadata, b.content, m.Verified, b.sealedBy, b.sealed); err != nil {
		return m, err
	}
	t.ledger.seq = m.Seq
	a.nth++
	return m, t.introduce(a, m.Sender)
}

// body is the columns that hold what a message says.
type body struct {
	content                    string
	metadata, sealedBy, sealed any // nil is NULL
}

// body is a message's as it is written now.
func (t *tx) body(m agentbridge.Message) (body, error) {
	key := t.vault.key
	if key == "" {
		return body{content: m.Content, metadata: nullable(m.Metadata)}, nil
	}
	sealed, err := t.vault.seal(key, m)
	return body{sealedBy: key, sealed: sealed}, err
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
	messageColumns = `m.seq, m.id, m.sent_at, m.sender, m.encoding, m.verified, m.metadata, m.content, m.sealed_by, m.sealed`
	messageWidth   = 10 // how many these are
	sealedColumn   = 8  // where sealed_by and sealed begin
)

// message reads messageColumns but for what is sealed.
func (r row) message(channel agentbridge.ChannelName) agentbridge.Message {
	return agentbridge.Message{
		Seq:      agentbridge.Seq(r.int(0)),
		ID:       agentbridge.MessageID(r.text(1)),
		Channel:  channel,
		At:       micros(r.int(2)),
		Sender:   agentbridge.AgentName(r.text(3)),
		Encoding: agentbridge.Encoding(r.text(4)),
		Verified: r.int(5) == 1,
		Metadata: r.metadata(6),
		Content:  r.text(7),
	}
}

// After implements store.Reader.
func (r *reader) After(c store.Channel, seq agentbridge.Seq, s store.Span) (page []agentbridge.Message, more bool, err error) {
	p := pager{from: r.session, channel: c.Name, span: s}
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
	p := pager{from: r.session, channel: c.Name, span: s}
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
	if err != nil || !ok {
		return m, c, false, err
	}
	c = found.channel(messageWidth)
	m, err = r.message(found, c.Name)
	return m, c, err == nil, err
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
	from    *session
	channel agentbridge.ChannelName
	span    store.Span
	bytes   int
	page    []agentbridge.Message
	more    bool
}

// limit asks for one row more than wanted: it tells whether there is more.
func (p *pager) limit() int { return min(p.span.Limit, math.MaxInt32) + 1 }

func (p *pager) add(r row) (again bool, err error) {
	m, err := p.from.message(r, p.channel)
	if err != nil {
		return false, err
	}
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
