package sqlite

import (
	"errors"
	"fmt"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/store"
)

// ledger is what the writer remembers of the file between transactions, so
// that a send reads nothing: it is true as long as nobody else writes.
type ledger struct {
	version  uint32     // the session's dataVersion when this was true
	tree     audit.Tree // over the audit entries; its size is the last one's number
	seq      agentbridge.Seq
	channels map[agentbridge.ChannelName]*account // nil: nothing here is known to be true

	text, hashes []byte // of the entry that is being written
}

// account is a channel and how many messages it has ever had.
type account struct {
	store.Channel
	nth     int64
	counted bool                               // nth has been looked up
	senders map[agentbridge.AgentName]struct{} // some of those that the table senders has
}

// maxAccounts bounds the memory; forgetting costs a lookup.
const maxAccounts = 10_000

// refresh makes the ledger true inside a write transaction.
func (l *ledger) refresh(s *session) error {
	version, err := s.dataVersion()
	if err != nil {
		return err
	}
	if version != l.version {
		l.forget()
		l.version = version
	}
	if l.channels != nil {
		return nil
	}
	if err = s.vault.unlock(s); err != nil { // who encrypted the database may have been somebody else
		return err
	}
	if err = l.grow(s); err != nil {
		return err
	}
	if l.seq, err = s.lastSeq(); err != nil {
		return err
	}
	l.channels = map[agentbridge.ChannelName]*account{}
	return nil
}

// keep makes the ledger stay true after our own commit, which moves the version
// as another connection's does.
func (l *ledger) keep(s *session) {
	version, err := s.dataVersion()
	if err != nil {
		l.forget()
	}
	l.version = version
}

// forget makes the next refresh look everything up that others may have changed.
func (l *ledger) forget() { l.channels = nil }

// doubt is forget when what is remembered may never have been true: a
// transaction was undone.
func (l *ledger) doubt() {
	l.forget()
	l.tree = audit.Tree{}
}

// maxGrowth is how many entries of other processes the tree follows one by one;
// behind that it is quicker to look up its edge.
const maxGrowth = 256

// grow makes the tree that of all entries. The log only grows, so what was its
// beginning still is.
func (l *ledger) grow(s *session) error {
	last, ok, err := s.one(`
		SELECT seq
		FROM audit
		ORDER BY seq DESC
		LIMIT 1`)
	if err != nil || !ok || last.int(0) < 1 { // a number below is nobody's entry
		l.tree = audit.Tree{}
		return err
	}
	head := last.int(0)
	if l.tree.Size() == 0 || l.tree.Size() > head || head-l.tree.Size() > maxGrowth {
		l.tree, err = audit.LoadTree(head, s.entryHashes)
		return err
	}
	return s.each(`
		SELECT hashes
		FROM audit
		WHERE seq > ?
		ORDER BY seq`, []any{l.tree.Size()},
		func(found row) (bool, error) { return true, l.tree.Follow(found.blob(0)) })
}

// put remembers a channel.
func (l *ledger) put(c store.Channel) *account {
	if len(l.channels) >= maxAccounts {
		clear(l.channels)
	}
	a := &account{Channel: c}
	l.channels[c.Name] = a
	return a
}

// account returns what is remembered of a channel, with its count.
func (t *tx) account(c store.Channel) (*account, error) {
	a, ok := t.ledger.channels[c.Name]
	if !ok { // c may be older than a clear: remember the channel as it is kept
		if _, known, err := t.Channel(c.Name); err != nil || !known {
			return nil, errors.Join(err, fmt.Errorf("channel %q is gone", c.Name))
		}
		a = t.ledger.channels[c.Name]
	}
	if a.counted {
		return a, nil
	}
	r, _, err := t.one(`
		SELECT coalesce(
			(SELECT nth FROM messages WHERE channel_id = ?1 ORDER BY seq DESC LIMIT 1),
			(SELECT floor_nth FROM channels WHERE id = ?1))`, c.ID)
	if err != nil {
		return nil, err
	}
	a.nth, a.counted = r.int(0), true
	return a, nil
}
