package sqlite

import (
	"strconv"

	"agentbridge"
	"agentbridge/internal/store"
)

// Channel implements store.Reader.
func (r *reader) Channel(name agentbridge.ChannelName) (store.Channel, bool, error) {
	found, ok, err := r.one(`
		SELECT `+channelColumns+`
		FROM channels c
		WHERE c.name = ?`, string(name))
	if !ok {
		return store.Channel{}, false, err
	}
	return found.channel(0), true, err
}

const (
	channelColumns = `c.id, c.name, c.private, c.floor_seq, c.floor_nth, c.expired_nth`
	channelWidth   = 6 // how many these are
)

// channel reads channelColumns, which begin at column i.
func (r row) channel(i int) store.Channel {
	return store.Channel{
		ID:      r.int(i),
		Name:    agentbridge.ChannelName(r.text(i + 1)),
		Private: r.int(i+2) == 1,
		Floor:   agentbridge.Seq(r.int(i + 3)),
		Removed: r.int(i + 4),
		Expired: r.int(i + 5),
	}
}

// Channel implements store.Reader from memory where it can.
func (t *tx) Channel(name agentbridge.ChannelName) (store.Channel, bool, error) {
	if a, ok := t.ledger.channels[name]; ok {
		return a.Channel, true, nil
	}
	c, ok, err := t.reader.Channel(name)
	if ok {
		t.ledger.put(c)
	}
	return c, ok, err
}

// Each message carries its number in its channel, so the last one tells how
// many there are: a listing reads one row per channel, not one per message.
const tallyColumns = `m.nth - c.floor_nth, m.sent_at`
const tallyJoin = `
		JOIN messages m ON m.seq = (SELECT max(seq) FROM messages WHERE channel_id = c.id) AND m.seq > c.floor_seq`

// Tally implements store.Reader.
func (r *reader) Tally(c store.Channel) (store.Tally, error) {
	found, ok, err := r.one(`
		SELECT `+tallyColumns+`
		FROM channels c`+tallyJoin+`
		WHERE c.id = ?`, c.ID)
	if !ok {
		return store.Tally{}, err
	}
	return store.Tally{Messages: found.int(0), LastAt: micros(found.int(1))}, err
}

// Channels implements store.Reader.
func (r *reader) Channels(after agentbridge.ChannelName, f func(store.Channel, store.Tally) (bool, error)) error {
	return r.each(`
		SELECT `+channelColumns+`, `+tallyColumns+`
		FROM channels c`+tallyJoin+`
		WHERE c.name > ? AND c.private = 0
		ORDER BY c.name`, []any{string(after)},
		func(found row) (bool, error) {
			return f(found.channel(0), store.Tally{Messages: found.int(channelWidth), LastAt: micros(found.int(channelWidth + 1))})
		})
}

// Totals implements store.Reader.
func (r *reader) Totals() (channels, messages int64, err error) {
	found, _, err := r.one(`
		SELECT count(*), coalesce(sum(m.nth - c.floor_nth), 0)
		FROM channels c` + tallyJoin + `
		WHERE c.private = 0`)
	if err != nil {
		return 0, 0, err
	}
	return found.int(0), found.int(1), nil
}

// OpenChannel implements store.Tx.
func (t *tx) OpenChannel(name agentbridge.ChannelName, private bool) (store.Channel, error) {
	c, ok, err := t.Channel(name)
	if ok || err != nil {
		return c, err
	}
	made, _, err := t.one(`
		INSERT INTO channels (name, private)
		VALUES (?, ?)
		RETURNING id`, string(name), private)
	if err != nil {
		return c, err
	}
	c = store.Channel{ID: made.int(0), Name: name, Private: private}
	t.ledger.put(c)
	return c, nil
}

// ClearChannel implements store.Tx. It moves the floor, which takes the same
// time for one message as for a million; Sweep removes the rows later.
func (t *tx) ClearChannel(c store.Channel) (int64, error) {
	tally, err := t.Tally(c)
	if err != nil || tally.Messages == 0 {
		return 0, err
	}
	delete(t.ledger.channels, c.Name)
	if err := t.forgetSenders(c); err != nil {
		return 0, err
	}
	return tally.Messages, t.exec(`
		UPDATE channels AS c
		SET floor_seq = m.seq, floor_nth = m.nth
		FROM messages m
		WHERE c.id = ?1 AND m.seq = (SELECT max(seq) FROM messages WHERE channel_id = ?1)`, c.ID)
}

// Expire implements store.Tx: the floor moves, but not to the last message.
func (t *tx) Expire(c store.Channel, upTo agentbridge.Seq) (int64, error) {
	delete(t.ledger.channels, c.Name)
	found, ok, err := t.one(`
		UPDATE channels AS c
		SET floor_seq = m.seq, floor_nth = m.nth, expired_nth = expired_nth + m.nth - floor_nth
		FROM messages m
		WHERE c.id = ?1 AND m.seq = ?2 AND m.channel_id = ?1 AND m.seq > c.floor_seq
		RETURNING floor_nth - ?3`, c.ID, int64(upTo), c.Removed)
	if err != nil || !ok {
		return 0, err
	}
	c.Floor = upTo
	tally, err := t.Tally(c)
	if err == nil && tally.Messages == 0 {
		err = t.forgetSenders(c)
	}
	return found.int(0), err
}

// CROSS keeps SQLite from walking through all messages and asking for each
// whether its channel's floor is above it.
const cleared = `
			FROM channels c
			CROSS JOIN messages m ON m.channel_id = c.id AND m.seq <= c.floor_seq
			WHERE c.floor_seq > 0`

// Cleared implements store.Reader.
func (r *reader) Cleared() (bool, error) {
	found, _, err := r.one(`SELECT EXISTS (SELECT 1` + cleared + `)`)
	return err == nil && found.int(0) == 1, err
}

// Sweep implements store.Tx. Keys come last: finding them means looking at all
// keys of a channel, which is done once for a sweep and not for every batch.
func (t *tx) Sweep(limit int) (int64, error) {
	if err := t.keepSeq(); err != nil {
		return 0, err
	}
	messages, err := t.changed(`
		DELETE FROM messages
		WHERE seq IN (SELECT m.seq`+cleared+` LIMIT ? + 0)`, limit)
	if err != nil || messages == int64(limit) {
		return messages, err
	}
	keys, err := t.changed(`
		DELETE FROM idempotency_keys
		WHERE (channel_id, sender, key) IN (
			SELECT k.channel_id, k.sender, k.key
			FROM channels c
			CROSS JOIN idempotency_keys k ON k.channel_id = c.id AND k.seq <= c.floor_seq
			WHERE c.floor_seq > 0
			LIMIT ? + 0)`, limit)
	return messages + keys, err
}

// keepSeq writes down how far messages have been numbered. Without it the
// number of a deleted last message would be given out again.
func (t *tx) keepSeq() error {
	return t.PutSetting("last_seq", strconv.FormatInt(int64(t.ledger.seq), 10))
}
