package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// Encrypting what a database holds already, or encrypting it with another key,
// takes a while. What is left of it stands in the file, so that the next process
// that is to do so (Options.Reseal) goes on with it, and several may work on it at
// once. Until it is done every message can be read: each names its key.

// job is what is left until every message is sealed with the newest key.
type job struct {
	Key        string          `json:"key"`
	From       []string        `json:"from,omitempty"` // keys that it takes the place of
	Done       agentbridge.Seq `json:"done"`           // messages up to here
	UpTo       agentbridge.Seq `json:"up_to"`          // later ones have the key already
	Messages   int64           `json:"messages"`       // that were sealed
	Unreadable int64           `json:"unreadable"`     // that did not open, and stay as they are
	Phase      phase           `json:"phase"`
}

// phase is what is done next. Pages of the file may hold remains of messages
// that were moved about in it, so it is written anew, and then its WAL is cut off.
type phase string

const (
	sealMessages phase = "messages"
	writeAnew    phase = "file"
	cutWAL       phase = "wal"
)

const jobSetting = "encryption_job"

// Bounds of a transaction that seals messages, which others wait for.
const (
	resealRows  = 100
	resealBytes = 1 << 20
)

// job reads what is left to do.
func (s *session) job() (j job, ok bool, err error) {
	text, ok, err := (&reader{session: s}).Setting(jobSetting)
	if err != nil || !ok {
		return j, false, err
	}
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return j, false, fmt.Errorf("setting %s: %w", jobSetting, err)
	}
	return j, true, nil
}

func (t *tx) putJob(j job) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return t.PutSetting(jobSetting, string(text))
}

// begin keeps a job, unless there is nothing to do. A database that is encrypted
// from the beginning changes in nothing that the log should tell.
func (t *tx) begin(j job) error {
	switch {
	case j.UpTo > 0:
		return t.putJob(j)
	case t.ledger.tree.Size() > 0:
		return t.logJob(j)
	}
	return nil
}

// logJob writes down that the messages are encrypted now, once.
func (t *tx) logJob(j job) error {
	detail, err := json.Marshal(struct {
		From       []string `json:"from,omitempty"`
		Key        string   `json:"key"`
		Messages   int64    `json:"messages"`
		Unreadable int64    `json:"unreadable,omitempty"`
	}{j.From, j.Key, j.Messages, j.Unreadable})
	if err != nil {
		return err
	}
	return t.Log(agentbridge.Entry{At: time.Now(), Actor: "operator", Action: agentbridge.ActionEncrypt, Detail: detail})
}

// Pauses until resealRest looks again. Each try that gets as far as writing the
// file anew keeps senders waiting, so that those after a failure get longer.
const (
	resealPause    = 2 * time.Minute
	resealPauseMax = 30 * time.Minute
)

// resealRest goes on with what this process began, or another one that may have
// been killed since, until ctx ends.
func (s *Store) resealRest(ctx context.Context) {
	pause := resealPause
	for {
		err := s.Reseal(ctx)
		switch {
		case ctx.Err() != nil || agentbridge.CodeOf(err) == agentbridge.Closed:
			return
		case err != nil:
			s.log.Warn("encrypt the messages that were there before; will be tried again", "in", pause, "error", err)
		default:
			pause = resealPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if err != nil {
			pause = min(2*pause, resealPauseMax)
		}
	}
}

// Reseal returns when every message is sealed with the current key, and no
// copies in clear or of another key are left in the files. What does not open
// stays as it is.
func (s *Store) Reseal(ctx context.Context) error {
	s.resealing.Lock()
	defer s.resealing.Unlock()
	for {
		j, ok, err := s.left(ctx)
		if err != nil || !ok {
			return err
		}
		switch j.Phase {
		case sealMessages:
			err = s.resealSome(ctx)
		case writeAnew:
			err = s.writeAnew(ctx)
		default:
			err = s.cutWAL(ctx)
		}
		if err != nil {
			return s.storeError(err)
		}
	}
}

func (s *Store) left(ctx context.Context) (j job, ok bool, err error) {
	err = s.View(ctx, func(r store.Reader) error {
		j, ok, err = r.(*reader).job()
		return err
	})
	return j, ok, err
}

// step does something for a job in a phase and moves it to another, unless
// another process was faster.
func (s *Store) step(ctx context.Context, in phase, do func(*tx, *job) error) error {
	return s.Update(ctx, func(u store.Tx) error {
		t := u.(*tx)
		j, ok, err := t.job()
		if err != nil || !ok || j.Phase != in {
			return err
		}
		if err := do(t, &j); err != nil || j.Phase == "" {
			return err
		}
		return t.putJob(j)
	})
}

func (s *Store) resealSome(ctx context.Context) error {
	return s.step(ctx, sealMessages, func(t *tx, j *job) error {
		rows, end, err := t.toSeal(*j)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := t.reseal(r, j); err != nil {
				return err
			}
		}
		if end {
			j.Phase = writeAnew
		}
		return nil
	})
}

// sealable is a message as it lies in the file.
type sealable struct {
	agentbridge.Message
	key    string // "" if it is in clear
	broken bool   // it does not open
}

// toSeal returns the next messages of a job; end tells that no others follow.
func (t *tx) toSeal(j job) (rows []sealable, end bool, err error) {
	bytes := 0
	end = true
	err = t.each(`
		SELECT `+messageColumns+`, c.name
		FROM messages m
		CROSS JOIN channels c ON c.id = m.channel_id
		WHERE m.seq > ? AND m.seq <= ?
		ORDER BY m.seq
		LIMIT ? + 0`, []any{int64(j.Done), int64(j.UpTo), resealRows},
		func(found row) (bool, error) {
			m, broken := t.unseal(found, agentbridge.ChannelName(found.text(messageWidth)))
			r := sealable{Message: m, broken: broken != nil}
			if !found.null(sealedColumn) {
				r.key = found.text(sealedColumn)
			}
			rows = append(rows, r)
			bytes += len(m.Content) + len(m.Metadata)
			end = len(rows) < resealRows && bytes < resealBytes
			return bytes < resealBytes, nil
		})
	return rows, end, err
}

// reseal seals a message with the job's key. It keeps the length of one that
// had another key, so that SQLite writes it over the old one.
func (t *tx) reseal(r sealable, j *job) error {
	j.Done = r.Seq
	switch {
	case r.key == j.Key:
		return nil
	case r.broken:
		j.Unreadable++
		return nil
	}
	sealed, err := t.vault.seal(j.Key, r.Message)
	if err != nil {
		return err
	}
	j.Messages++
	if r.key != "" && !slices.Contains(j.From, r.key) {
		j.From = append(j.From, r.key)
	}
	return t.exec(`
		UPDATE messages
		SET content = '', metadata = NULL, sealed_by = ?, sealed = ?
		WHERE seq = ?`, j.Key, sealed, int64(r.Seq))
}

// writeAnew has SQLite copy the database into itself, with nothing in between.
// Nobody writes meanwhile: senders of this process wait, those of others are told
// that the database is busy if it takes longer than about seven seconds, which
// is 300 MB on a slow machine. It needs twice the file's size on disk.
func (s *Store) writeAnew(ctx context.Context) error {
	c, err := s.connect([]string{"PRAGMA synchronous = FULL", "PRAGMA trusted_schema = OFF"})
	if err != nil {
		return err
	}
	var failed error
	err = s.exclusively(ctx, func() {
		leave := s.gate.enter()
		defer leave()
		failed = c.execContext(ctx, "VACUUM")
	})
	if err := errors.Join(err, failed, c.close()); err != nil {
		return err
	}
	return s.step(ctx, writeAnew, func(_ *tx, j *job) error {
		j.Phase = cutWAL
		return nil
	})
}

// cutTries is how often the WAL is tried to be cut off before somebody is told
// that readers prevent it.
const cutTries = 100

// cutWAL gives up the last copies and ends the job.
func (s *Store) cutWAL(ctx context.Context) error {
	cut, err := s.truncateWAL(ctx, cutTries)
	if err != nil {
		return err
	}
	if !cut {
		return agentbridge.Refuse(agentbridge.Busy, "", "the database is read all the time, so that its WAL can't be cut off; try again with: agentbridge encryption rotate")
	}
	return s.step(ctx, cutWAL, func(t *tx, j *job) error {
		j.Phase = ""
		if err := t.logJob(*j); err != nil {
			return err
		}
		return t.exec("DELETE FROM settings WHERE name = ?", jobSetting)
	})
}
