package sqlite

import (
	"context"
	"path/filepath"
	"time"

	"agentbridge/internal/store"

	sqlite3 "modernc.org/sqlite"
)

// VersionOf returns the schema version of a database that exists, and the one
// that this program makes. It changes nothing.
func VersionOf(path string) (version, latest int, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return 0, 0, unusable(path, "it can't be read (%v)", err)
	}
	steps, err := migrationSteps()
	if err != nil {
		return 0, 0, err
	}
	version, err = examineBy(path, (&Look{path: path}).mode(), func(r *session) (int, error) { return r.inspect(path, steps) })
	if err != nil {
		err = openError(path, err)
	}
	return version, steps[len(steps)-1].version, err
}

// LibraryVersion is the version of the SQLite that is compiled in.
func LibraryVersion() (version string, err error) {
	db, err := sqlite3.NewConnector(":memory:")
	if err != nil {
		return "", err
	}
	s, err := connect(db, nil)
	if err != nil {
		return "", err
	}
	found, ok, err := s.one("SELECT sqlite_version()")
	if ok {
		version = found.text(0)
	}
	_ = s.close() // of nothing
	return version, err
}

// QuickCheck looks through the whole file for damage, until ctx ends. That costs
// about a millisecond per MiB.
func (l *Look) QuickCheck(ctx context.Context) error {
	if err := l.session.quickCheck(ctx, l.path); err != nil {
		return openError(l.path, err)
	}
	return nil
}

// Encryption counts messages by their key, which reads the whole table.
func (l *Look) Encryption(ctx context.Context) (e Encryption, err error) {
	err = l.View(ctx, func(store.Reader) error {
		e, err = l.session.encryption()
		return err
	})
	return e, err
}

// Locked returns why the messages can't be decrypted, nil if they can or need not
// be.
func (l *Look) Locked() error { return l.session.vault.look(l.session) }

// NewestMessage is when the newest message was sent, zero if there is none.
func (l *Look) NewestMessage() (time.Time, error) {
	found, ok, err := l.session.one(`
		SELECT sent_at
		FROM messages
		ORDER BY seq DESC
		LIMIT 1`)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return micros(found.int(0)), nil
}
