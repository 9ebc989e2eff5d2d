package sqlite

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"agentbridge"
	"agentbridge/internal/store"
)

// encrypt marks a database that is not marked yet.
func (s *Store) encrypt(ctx context.Context, create func() error) error {
	return s.UseKey(ctx, func(current string) (string, error) {
		if current != "" {
			return current, nil
		}
		if s.vault.sealer == nil {
			return "", errors.New("encrypt a database: no sealer")
		}
		err := create()
		return s.vault.sealer.KeyID(), err
	})
}

// UseKey has everything that is written from now on sealed with the key that
// choose returns, by all processes, and leaves what was written before to
// Reseal. choose is told the key that is used now, "" for none; while it runs
// nobody writes to the database.
func (s *Store) UseKey(ctx context.Context, choose func(current string) (string, error)) error {
	undo := func() {}
	err := s.Update(ctx, func(u store.Tx) error {
		t := u.(*tx)
		before := s.vault.key
		undo = func() {
			s.vault.key = before
			s.ledger.doubt()
		}
		current, err := t.mark()
		if err != nil {
			return err
		}
		key, err := choose(current.key)
		if err != nil || key == current.key {
			return err
		}
		check, err := s.vault.sealer.Seal(key, nil, []byte(markContext))
		if err != nil {
			return err
		}
		if err := t.PutSetting(markSetting, mark{key, check}.String()); err != nil {
			return err
		}
		if err := t.begin(job{Key: key, UpTo: t.ledger.seq, Phase: sealMessages}); err != nil {
			return err
		}
		// Here, and not after the commit: whoever has the pen next must not write
		// as before.
		s.vault.key = key
		return nil
	})
	if err != nil { // perhaps of the commit; the next transaction reads the mark again
		_ = s.exclusively(context.WithoutCancel(ctx), undo) // fails if the store is closed, which nobody writes to
	}
	return err
}

// Encryption is what a database says of its encryption.
type Encryption struct {
	Key        string           // of what is written now; "" means that it is not encrypted
	Messages   map[string]int64 // how many have which key, "" none; removed ones count until they are swept
	Unfinished bool             // Reseal has something left to do
}

// Keys are those that messages or the mark need.
func (e Encryption) Keys() (keys []string) {
	for key := range e.Messages {
		if key != "" {
			keys = append(keys, key)
		}
	}
	if _, used := e.Messages[e.Key]; !used && e.Key != "" {
		keys = append(keys, e.Key)
	}
	slices.Sort(keys)
	return keys
}

// Encryption counts messages by their key, which reads the whole table.
func (s *Store) Encryption(ctx context.Context) (e Encryption, err error) {
	err = s.View(ctx, func(r store.Reader) error {
		e, err = r.(*reader).encryption()
		return err
	})
	return e, err
}

func (s *session) encryption() (e Encryption, err error) {
	m, err := s.mark()
	if err != nil {
		return e, err
	}
	_, left, err := s.job()
	if err != nil {
		return e, err
	}
	e = Encryption{Key: m.key, Unfinished: left, Messages: map[string]int64{}}
	err = s.each(`
		SELECT coalesce(sealed_by, ''), count(*)
		FROM messages
		GROUP BY sealed_by`, nil,
		func(found row) (bool, error) {
			e.Messages[found.text(0)] = found.int(1)
			return true, nil
		})
	return e, err
}

// Retire calls keep with the names of all keys that are needed, while nobody
// writes.
func (s *Store) Retire(ctx context.Context, keep func(keys []string) error) error {
	e, err := s.Encryption(ctx)
	if err != nil {
		return err
	}
	return s.Update(ctx, func(u store.Tx) error {
		t := u.(*tx)
		m, err := t.mark()
		if err != nil {
			return err
		}
		_, left, err := t.job()
		if err != nil {
			return err
		}
		if left || m.key != e.Key { // messages may have other keys than we counted
			return agentbridge.Refuse(agentbridge.Conflict, "", "another process is changing the key of %s at this moment; try again when it is done", strconv.Quote(s.path))
		}
		return keep(e.Keys())
	})
}
