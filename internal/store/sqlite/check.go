package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"os"
	"time"

	"agentbridge"
)

// quickCheckLimit is the size up to which a file is checked for damage before
// it is used; that costs about a millisecond per MiB. A larger one is checked
// while it is in use.
const quickCheckLimit = 4 << 20

func (s *Store) checkSmall(r *session) error {
	info, err := os.Stat(s.path)
	if err != nil || info.Size() > quickCheckLimit {
		return err
	}
	return r.quickCheck(background, s.path)
}

// checkLarge refuses all further writes to a file that it finds damaged: what
// was written into it might be lost with it.
func (s *Store) checkLarge(ctx context.Context) {
	if s.file.Size() <= quickCheckLimit {
		return
	}
	r, err := s.connect(readerPragmas)
	if err == nil {
		err = errors.Join(r.quickCheck(ctx, s.path), r.close())
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	err = openError(s.path, err)
	s.damage.Store(&err)
	s.log.Error("no more writes are taken", "db", s.path, "error", err)
}

// quickCheck looks through the whole file. Unlike other statements it may be
// interrupted: it can take seconds, and changes nothing.
func (s *session) quickCheck(ctx context.Context, path string) error {
	st, err := s.prepare("PRAGMA quick_check(1)")
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, nil)
	if err != nil {
		return err
	}
	first := make([]driver.Value, 1)
	if err := errors.Join(rows.Next(first), rows.Close()); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if result := row(first).text(0); result != "ok" {
		return corrupt(path, result)
	}
	return nil
}

// lookEvery spares commits in quick succession the look. A file can go between
// the look and the commit as well, which takes about as long.
const lookEvery = time.Millisecond

// checkFile notices that the file or its WAL was removed or replaced under us,
// or found to be damaged. SQLite would go on writing to what nobody can open any
// more.
func (s *Store) checkFile() error {
	if damage := s.damage.Load(); damage != nil {
		return *damage
	}
	if time.Since(s.looked) < lookEvery {
		return nil
	}
	missing := s.path
	if isStill(s.file, s.path) {
		missing = walOf(s.path)
		if isStill(s.wal, missing) {
			s.looked = time.Now()
			return nil
		}
	}
	s.log.Error("a file of the database was removed or replaced while it was open", "file", missing)
	return agentbridge.Refuse(agentbridge.Unusable, "", "the bridge's database file was removed or replaced while it ran and nothing was stored; restart the bridge")
}

// walOf is where SQLite keeps what is committed and not yet in the database.
func walOf(path string) string { return path + "-wal" }

// isStill tells whether a path leads to the file that it led to.
func isStill(file os.FileInfo, path string) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, file)
}
