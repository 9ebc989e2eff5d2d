package sqlite

import (
	"math"
	"slices"

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
	return m, nil
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
		LIMIT ?`, []any{c.ID, int64(max(seq, c.Floor)), p.limit()}, p.add)
	return p.page, p.more, err
}

// Newest implements store.Reader.
func (r *reader) Newest(c store.Channel, s store.Span) (page []agentbridge.Message, more bool, err error) {
	p := pager{channel: c.Name, span: s}
	err = r.each(`
		SELECT `+messageColumns+`
		FROM messages m
		WHERE m.channel_id = ? AND m.seq > ?
		ORDER BY m.seq DESC
		LIMIT ?`, []any{c.ID, int64(c.Floor), p.limit()}, p.add)
	slices.Reverse(p.page)
	return p.page, p.more, err
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
