package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"agentbridge"
	"agentbridge/internal/store"

	sqlite3 "modernc.org/sqlite"
)

// Look is a database that is only looked at: nothing is made, upgraded or
// written, whoever works on it meanwhile. It is for evidence. Its methods are
// for one goroutine at a time.
type Look struct {
	path    string
	session *session
}

// OpenLook opens a database that exists to look at it. One of another version,
// older ones included, is refused: to upgrade it would change it. Without a
// sealer encrypted messages stay closed.
func OpenLook(path string, sealer store.Sealer) (*Look, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database path: %w", err)
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, agentbridge.Refuse(agentbridge.NotFound, "", "there is no database at %s; name another with --db", path)
	}
	if err != nil {
		return nil, unusable(path, "it can't be read (%v)", err)
	}
	l := &Look{path: real}
	if err := l.open(sealer); err != nil {
		return nil, errors.Join(openError(path, err), l.Close())
	}
	return l, nil
}

func (l *Look) open(sealer store.Sealer) error {
	if info, err := os.Stat(l.path); err != nil || !info.Mode().IsRegular() {
		return unusable(l.path, "it is not a regular file; name another one")
	}
	db, err := sqlite3.NewConnector(dsn(l.path, l.mode()))
	if err != nil {
		return err
	}
	if l.session, err = connect(db, readerPragmas); err != nil {
		return err
	}
	l.session.vault = &vault{path: l.path, sealer: sealer}
	steps, err := migrationSteps()
	if err != nil {
		return err
	}
	version, err := l.session.inspect(l.path, steps)
	if err != nil {
		return err
	}
	if latest := steps[len(steps)-1].version; version != latest {
		return unusable(l.path, "it has version %d and this is %d; start the bridge on it once, which upgrades it", version, latest)
	}
	return nil
}

// mode is how SQLite opens the file. With a WAL there is a read-only mode that
// leaves it alone. Without one that mode would leave empty files behind, which
// an ordinary connection takes away again. What may not be written to at all
// nobody else writes to either.
func (l *Look) mode() string {
	if _, err := os.Stat(l.path + "-wal"); err == nil {
		return "mode=ro"
	}
	if writable(l.path) && writable(filepath.Dir(l.path)) {
		return "mode=rw"
	}
	return "mode=ro&immutable=1"
}

// Path is the database file, without symbolic links.
func (l *Look) Path() string { return l.path }

// View runs f on a consistent snapshot, as store.Store does. It may take long:
// the WAL of those who write meanwhile grows, and is used anew afterwards.
func (l *Look) View(_ context.Context, f func(store.Reader) error) (err error) {
	defer l.catch(&err)
	if err := l.session.exec("BEGIN"); err != nil {
		return openError(l.path, err)
	}
	defer func() { err = errors.Join(err, l.session.exec("ROLLBACK")) }()
	if err = f(&reader{session: l.session}); resultCode(err) != 0 {
		return openError(l.path, err)
	}
	return err
}

// catch turns a column of the wrong type into an error. STRICT tables have none,
// but whoever edits the schema can make some.
func (l *Look) catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case *runtime.TypeAssertionError:
		*err = corrupt(l.path, r)
	default:
		panic(r)
	}
}

// Close releases the file.
func (l *Look) Close() error {
	if l.session == nil {
		return nil
	}
	return l.session.close()
}
