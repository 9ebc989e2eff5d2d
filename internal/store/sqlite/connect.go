package sqlite

import (
	"database/sql/driver"
	"errors"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// dsn names the file as a URI, so that no character of the path is taken for
// an option.
func dsn(path, mode string) string {
	path = "/" + strings.TrimPrefix(filepath.ToSlash(path), "/") // C:/x would be taken for a host
	u := url.URL{Scheme: "file", Path: path}
	u.RawQuery = mode + "&_pragma=busy_timeout(" + strconv.FormatInt(busyTimeout.Milliseconds(), 10) + ")"
	return u.String()
}

// writerPragmas and readerPragmas are run on each connection after it opened.
var (
	writerPragmas = []string{
		"PRAGMA foreign_keys = ON",
		"PRAGMA synchronous = FULL", // a commit waits for the disk
		"PRAGMA temp_store = MEMORY",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA secure_delete = ON",      // what was cleared is overwritten
		"PRAGMA wal_autocheckpoint = 0",  // the checkpointer does it, outside of commits
		"PRAGMA journal_size_limit = -1", // a WAL of constant size is overwritten in place, which syncs faster
	}
	readerPragmas = []string{
		"PRAGMA query_only = ON",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA trusted_schema = OFF",
	}
)

func (s *Store) connect(pragmas []string) (*session, error) {
	c, err := connect(s.db, pragmas)
	if err == nil {
		c.vault = s.vault
	}
	return c, err
}

func connect(db driver.Connector, pragmas []string) (*session, error) {
	conn, err := db.Connect(background)
	if err != nil {
		return nil, err
	}
	session := &session{conn: conn, stmts: map[string]stmt{}, vault: &vault{}}
	for _, p := range pragmas {
		if err := session.exec(p); err != nil {
			return nil, errors.Join(err, session.close())
		}
	}
	return session, nil
}
