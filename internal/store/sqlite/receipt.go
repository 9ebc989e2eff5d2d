package sqlite

import (
	"strconv"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// PutReceipt implements store.Tx.
func (t *tx) PutReceipt(c store.Channel, seq agentbridge.Seq, recipient agentbridge.AgentName) error {
	return t.exec(`
		INSERT INTO receipts (channel_id, recipient, seq, state)
		VALUES (?, ?, ?, 'stored')`, c.ID, string(recipient), int64(seq))
}

// Unread implements store.Reader.
func (r *reader) Unread(c store.Channel, recipient agentbridge.AgentName) (int64, error) {
	found, _, err := r.one(`
		SELECT count(*)
		FROM receipts
		WHERE channel_id = ? AND recipient = ? AND state <> 'injected'`,
		c.ID, string(recipient))
	if err != nil {
		return 0, err
	}
	return found.int(0), nil
}

// waits is the condition on a receipt r that nobody holds. An offer that seems
// to last longer than any offer was made before the clock was set back.
var waits = `r.channel_id = ?1 AND r.recipient = ?2 AND r.state <> 'injected'
			AND (r.state = 'stored' OR r.offered_until <= ?3
				OR r.offered_until > ?3 + ` + strconv.FormatInt(agentbridge.OfferTime.Microseconds(), 10) + `)`

// Waiting implements store.Reader.
func (r *reader) Waiting(c store.Channel, recipient agentbridge.AgentName, now time.Time) (bool, error) {
	found, _, err := r.one(`
		SELECT EXISTS (
			SELECT 1
			FROM receipts r
			WHERE `+waits+`)`, c.ID, string(recipient), now.UnixMicro())
	return err == nil && found.int(0) == 1, err
}

// Offer implements store.Tx. Concurrent callers each run in a transaction of
// their own, one after the other, so that none sees what another was offered.
func (t *tx) Offer(c store.Channel, recipient agentbridge.AgentName, offer string, now, until time.Time, s store.Span) ([]store.Receipt, int64, error) {
	offered, err := t.waiting(c, recipient, now, s)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range offered {
		if err := t.exec(`
			UPDATE receipts
			SET state = 'offered', offer = ?, offered_until = ?, attempts = attempts + 1
			WHERE channel_id = ? AND recipient = ? AND seq = ?`,
			offer, until.UnixMicro(), c.ID, string(recipient), int64(r.Message.Seq)); err != nil {
			return nil, 0, err
		}
	}
	behind, _, err := t.one(`
		SELECT count(*)
		FROM receipts r
		WHERE `+waits, c.ID, string(recipient), now.UnixMicro())
	if err != nil {
		return nil, 0, err
	}
	return offered, behind.int(0), nil
}

// waiting returns the oldest messages that nobody holds.
func (t *tx) waiting(c store.Channel, recipient agentbridge.AgentName, now time.Time, s store.Span) (list []store.Receipt, err error) {
	p := pager{from: t.session, channel: c.Name, span: s}
	err = t.each(`
		SELECT `+messageColumns+`, r.attempts
		FROM receipts r
		JOIN messages m ON m.seq = r.seq
		WHERE `+waits+`
		ORDER BY r.seq
		LIMIT ?4 + 0`, []any{c.ID, string(recipient), now.UnixMicro(), p.limit()},
		func(found row) (bool, error) {
			if again, err := p.add(found); !again {
				return false, err
			}
			list = append(list, store.Receipt{
				Message:   p.page[len(p.page)-1],
				Recipient: recipient,
				State:     agentbridge.Offered,
				Attempts:  int(found.int(messageWidth)) + 1,
			})
			return true, nil
		})
	return list, err
}

// SettleOffer implements store.Tx. Messages that were handed out again since
// carry another offer and are left alone.
func (t *tx) SettleOffer(offer string, injected bool) error {
	state := agentbridge.Stored
	if injected {
		state = agentbridge.Injected
	}
	return t.exec(`
		UPDATE receipts
		SET state = ?, offer = NULL, offered_until = NULL
		WHERE offer = ?`, string(state), offer)
}

// Transcript implements store.Reader.
func (r *reader) Transcript(c store.Channel) (list []store.Receipt, err error) {
	err = r.each(`
		SELECT `+messageColumns+`, r.recipient, r.state, r.attempts
		FROM messages m
		JOIN receipts r ON r.channel_id = m.channel_id AND r.seq = m.seq
		WHERE m.channel_id = ?
		ORDER BY m.seq`, []any{c.ID},
		func(found row) (bool, error) {
			m, err := r.message(found, c.Name)
			if err != nil {
				return false, err
			}
			list = append(list, store.Receipt{
				Message:   m,
				Recipient: agentbridge.AgentName(found.text(messageWidth)),
				State:     agentbridge.ReceiptState(found.text(messageWidth + 1)),
				Attempts:  int(found.int(messageWidth + 2)),
			})
			return true, nil
		})
	return list, err
}
