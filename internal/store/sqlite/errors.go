package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"agentbridge"

	sqlite3 "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

var errClosed = agentbridge.Refuse(agentbridge.Closed, "", "the bridge is shutting down; reconnect and retry")

// resultCode is SQLite's primary result code, 0 if err is none of SQLite's.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite3.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// storeError turns those of SQLite's errors about which a caller or an
// operator can do something into refusals, and leaves all others alone.
func (s *Store) storeError(err error) error {
	switch resultCode(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return &agentbridge.Error{Code: agentbridge.Busy, RetryAfter: time.Second,
			Message: "the bridge's database is busy; retry the operation"}
	case lib.SQLITE_FULL:
		s.log.Error("the disk is full", "db", s.path, "error", err)
		return &agentbridge.Error{Code: agentbridge.Unavailable, RetryAfter: 30 * time.Second,
			Message: "the bridge's disk is full and nothing was stored; retry when there is room"}
	case lib.SQLITE_IOERR, lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_NOMEM:
		s.log.Error("the database can't be used", "db", s.path, "error", err)
		return &agentbridge.Error{Code: agentbridge.Unavailable, RetryAfter: 30 * time.Second,
			Message: "the bridge could not write to its database; whether this was stored is not known, retry later with the same idempotency_key"}
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		s.log.Error("the database is corrupt", "db", s.path, "error", err)
		return agentbridge.Refuse(agentbridge.Unusable, "", "the bridge's database is corrupt and nothing was stored; its operator has to restore it")
	}
	return err
}

// unusable says why a database can't be opened.
func unusable(path, format string, args ...any) error {
	return agentbridge.Refuse(agentbridge.Unusable, "", "database %s: "+format, append([]any{path}, args...)...)
}

// openError says in one line why a database could not be opened.
func openError(path string, err error) error {
	if _, ok := errors.AsType[*agentbridge.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return unusable(path, "it needs files beside it that can't be opened (%v); make them and their directory writable for this user", err)
	}
	if cantWrite(err) {
		return unusable(path, "nothing can be written beside it (%v); the disk is probably full: make room, see that the file and its directory are writable for this user, and try again", err)
	}
	switch resultCode(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return unusable(path, "it is locked by another program; close that program and try again")
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_AUTH:
		return readOnly(path)
	case lib.SQLITE_CANTOPEN:
		return unusable(path, "it can't be opened; check that the file and its directory are readable and writable for this user")
	case lib.SQLITE_NOTADB:
		return unusable(path, "it is not a database; it was left as it is, move it away or name another file")
	case lib.SQLITE_CORRUPT:
		return corrupt(path, err)
	case lib.SQLITE_FULL:
		return unusable(path, "the disk is full; make room and try again")
	}
	return fmt.Errorf("open database %s: %w", path, err)
}

// cantWrite tells whether err is one of SQLite's errors about writing a file or
// its shared memory, most of which a full disk causes.
func cantWrite(err error) bool {
	e, ok := errors.AsType[*sqlite3.Error](err)
	if !ok {
		return false
	}
	switch e.Code() {
	case lib.SQLITE_IOERR_SHMOPEN, lib.SQLITE_IOERR_SHMSIZE, lib.SQLITE_IOERR_SHMMAP,
		lib.SQLITE_IOERR_WRITE, lib.SQLITE_IOERR_FSYNC, lib.SQLITE_IOERR_TRUNCATE:
		return true
	}
	return false
}

func readOnly(path string) error {
	return unusable(path, "it is read-only; make the file and its directory writable for this user")
}

func corrupt(path string, cause any) error {
	text := strings.ReplaceAll(fmt.Sprint(cause), "\n", "; ")
	return unusable(path, "it is corrupt (%s); it was left as it is, restore a backup or name another file", text)
}
