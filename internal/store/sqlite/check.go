package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"os"
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
