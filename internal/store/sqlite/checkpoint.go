package sqlite

import (
	"context"
	"errors"
	"strconv"
	"time"
)

const (
	// checkpointPages (1 MiB) is from when on the WAL is copied back into the
	// database.
	checkpointPages = 256

	// checkpointDelay gathers commits: at most this long after one, somebody
	// looks whether enough pages wait.
	checkpointDelay = 50 * time.Millisecond
)

// checkpointLoop copies the WAL back beside the commits, so that no commit
// waits for a long copy.
//
// While it copies, new pages arrive, and a WAL of which a single page is not
// copied can't begin anew; under steady load it would grow for ever, and a file
// that grows takes twice as long to sync as one that is overwritten. So the
// little that is left is copied between two commits.
func (s *Store) checkpointLoop(ctx context.Context) {
	c, err := s.connect([]string{"PRAGMA synchronous = FULL"})
	if err != nil {
		s.log.Error("no connection for checkpoints; the WAL will grow until the bridge is restarted", "error", err)
		return
	}
	defer func() {
		if err := c.close(); err != nil {
			s.log.Warn("close the checkpointer's connection", "error", err)
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wrote: // whoever writes checkpoints; an idle process does nothing
		}
		timer.Reset(checkpointDelay)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := s.checkpoint(ctx, c); err != nil && ctx.Err() == nil {
			s.log.Warn("checkpoint", "error", err)
		}
	}
}

func (s *Store) checkpoint(ctx context.Context, c *session) error {
	copied, err := c.checkpoint()
	if err != nil || !copied {
		return err
	}
	var finish error
	err = s.exclusively(ctx, func() { _, _, finish = s.writer.one("PRAGMA wal_checkpoint(PASSIVE)") })
	return errors.Join(err, finish)
}

// checkpoint copies pages if enough of them wait. NOOP only counts them: the
// file's size tells nothing, for a WAL that was copied is overwritten in place.
func (s *session) checkpoint() (copied bool, err error) {
	found, ok, err := s.one("PRAGMA wal_checkpoint(NOOP)")
	if err != nil || !ok || found.int(1)-found.int(2) < checkpointPages {
		return false, err
	}
	_, _, err = s.one("PRAGMA wal_checkpoint(PASSIVE)")
	return true, err
}

// scrubTries is how often Scrub tries: a checkpoint at work, which is over soon,
// prevents it as a reader does.
const scrubTries = 20

// Scrub implements store.Store. The deleted rows were overwritten in the
// database's pages (secure_delete); truncating the WAL gives up their last
// copies.
func (s *Store) Scrub(ctx context.Context) error {
	_, err := s.truncateWAL(ctx, scrubTries)
	return s.storeError(err)
}

// truncatePause stands between two tries to truncate the WAL.
const truncatePause = 50 * time.Millisecond

// truncateWAL waits shortly only for readers: nobody can write meanwhile.
func (w *session) truncateWAL() (found row, err error) {
	if err := w.exec("PRAGMA busy_timeout = 20"); err != nil {
		return nil, err
	}
	found, _, err = w.one("PRAGMA wal_checkpoint(TRUNCATE)")
	return found, errors.Join(err, w.exec("PRAGMA busy_timeout = "+strconv.FormatInt(busyTimeout.Milliseconds(), 10)))
}

// truncateWAL copies all of the WAL back and gives up its copies, if within so
// many tries there is a moment in which nobody reads it.
func (s *Store) truncateWAL(ctx context.Context, tries int) (cut bool, err error) {
	for try := 1; ; try++ {
		var found row
		var failed error
		err = s.exclusively(ctx, func() { found, failed = s.writer.truncateWAL() })
		if err := errors.Join(err, failed); err != nil {
			return false, err
		}
		if cut = found.int(0) == 0; cut || try == tries {
			return cut, nil
		}
		select {
		case <-time.After(truncatePause):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
