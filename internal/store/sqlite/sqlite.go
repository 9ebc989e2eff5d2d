// Package sqlite keeps the bridge's data in one SQLite file that several
// processes may share. A write is on disk when Update returns.
//
// The line where that becomes true is the COMMIT in transact; everything that
// was queued meanwhile becomes part of the next one.
package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"agentbridge"
	"agentbridge/internal/store"

	sqlite3 "modernc.org/sqlite"
)

// Options configure a Store. The zero value is right for production.
type Options struct {
	Logger *slog.Logger // for what no caller can be told; default slog.Default()

	// Alone says that no other process will open the file. The store then
	// hangs no doorbell, whose file watcher would keep a synctest bubble awake.
	Alone bool

	// Poll is how often to look for what other processes wrote should the
	// doorbell fail to tell; default 500 ms.
	Poll time.Duration

	// Sealer has the keys of a database whose messages are encrypted. Without it,
	// or without the key, such a database is refused; nil is right for one that is
	// not.
	Sealer store.Sealer
	// Encrypt has a database encrypted that is not yet, what it holds included:
	// it must see to it that Sealer has a key. nil leaves a database as it is.
	Encrypt func() error
	// Reseal has the store encrypt, in the background, what the database held
	// before it was encrypted or got another key, whoever began that; what fails
	// it tries again. Others can't write for seconds meanwhile, so it is for
	// processes that stay.
	Reseal bool
}

// How long a connection waits for a lock that another program holds.
const busyTimeout = 5 * time.Second

// Store implements store.Store on one database file.
//
// The process must never open the database file, its -wal or its -shm by other
// means: closing such a descriptor drops SQLite's POSIX locks.
type Store struct {
	path   string
	file   os.FileInfo           // what path was when it was opened,
	wal    os.FileInfo           // and the WAL beside it, which stays as long as it is open
	damage atomic.Pointer[error] // found while in use; nil if none
	log    *slog.Logger
	poll   time.Duration
	db     driver.Connector
	vault  *vault // how messages lie in the file

	resealing sync.Mutex // one Reseal at a time

	queue  queue     // hands out the pen, to whose holder belong
	writer *session  // the one connection that writes,
	ledger ledger    // what is remembered of the file,
	looked time.Time // when the file was last known to be ours,
	gate   *gate     // and the place at the gate

	readers chan *session                                   // those that are not in use,
	reading int                                             // of so many
	glances chan *session                                   // the one that is kept for Glance, or nothing while it is in use
	bell    *doorbell                                       // nil if alone
	ring    atomic.Pointer[func([]agentbridge.ChannelName)] // nil until OnCommit

	heard atomic.Int64 // the last audit entry whose topic has rung here

	wrote chan struct{} // wakes the checkpointer
	stop  context.CancelFunc
	ended sync.WaitGroup
}

var _ store.Store = (*Store)(nil)

// Open opens the database at path, making it if there is none and upgrading
// its schema if it is older. A file that is corrupt, of a newer version, of
// another program, read-only or locked is refused with a sentence that says
// so, and left as it was.
func Open(path string, opts Options) (*Store, error) {
	path, err := prepareFile(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, log: opts.Logger, poll: opts.Poll, wrote: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.poll <= 0 {
		s.poll = defaultPoll
	}
	s.vault = &vault{path: path, sealer: opts.Sealer, log: s.log}
	// Locks that belong to a descriptor and not to the process; the second Open
	// of a process is told that it comes too late, which is fine.
	_, _ = sqlite3.OFDLocking(true)
	if err := s.open(opts); err != nil {
		s.release()
		return nil, openError(path, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.ended.Go(func() { s.checkpointLoop(ctx) })
	s.ended.Go(func() { s.checkLarge(ctx) })
	if s.bell != nil {
		s.ended.Go(func() { s.listenLoop(ctx) })
	}
	if opts.Encrypt != nil {
		if err := s.encrypt(ctx, opts.Encrypt); err != nil {
			return nil, errors.Join(openError(path, err), s.Close())
		}
	}
	if opts.Reseal && opts.Sealer != nil {
		s.ended.Go(func() { s.resealRest(ctx) })
	}
	return s, nil
}

// prepareFile makes the directory and an empty file with modes that keep other
// users out. SQLite gives -wal and -shm the mode of the database.
func prepareFile(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", agentbridge.Refuse(agentbridge.Unusable, "db", "the bridge needs a database file; give a path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("database path: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", unusable(path, "its directory can't be made (%v); make it, or name another file", err)
	}
	if reason := networkFileSystem(dir); reason != "" {
		return "", unusable(path, "it lies on %s, where SQLite's shared memory doesn't work; use a local disk", reason)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		return path, f.Close()
	case !errors.Is(err, os.ErrExist):
		return "", unusable(path, "it can't be created (%v); make its directory writable for this user, or name another file", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", unusable(path, "it can't be read (%v); make it readable for this user, or name another file", err)
	}
	if !info.Mode().IsRegular() {
		return "", unusable(path, "it is not a regular file; name another one")
	}
	if !writable(path) { // SQLite would find out as well, but leave a -wal and a -shm behind
		return "", readOnly(path)
	}
	// Two names of one file must lead to one gate, one bell and one key.
	return filepath.EvalSymlinks(path)
}

// Path is the database file, without symbolic links.
func (s *Store) Path() string { return s.path }

func (s *Store) open(opts Options) (err error) {
	if s.db, err = sqlite3.NewConnector(dsn(s.path, "mode=rw")); err != nil {
		return err
	}
	if err := s.examine(); err != nil { // before a file is made beside one that isn't ours
		return err
	}
	if err := keepOut(s.path, s.log); err != nil {
		return err
	}
	if s.writer, err = s.connect(writerPragmas); err != nil {
		return err
	}
	if s.gate, err = openGate(s.path + ".lock"); err != nil {
		return err
	}
	leave := s.gate.enter() // one process at a time sets up a new file
	defer leave()
	if err := s.writer.setUp(s.path, s.log); err != nil {
		return err
	}
	if err := s.vault.unlock(s.writer); err != nil { // again: what examine did not see, or another process did
		return err
	}
	if err := s.connectReaders(); err != nil {
		return err
	}
	if !opts.Alone { // before the first look, or a commit in between is heard late
		if s.bell, err = hangDoorbell(s.path+".bell", s.log); err != nil {
			return err
		}
	}
	head, err := s.writer.head()
	if err != nil {
		return err
	}
	s.heard.Store(head)
	if s.file, err = os.Stat(s.path); err != nil {
		return err
	}
	if s.wal, err = os.Stat(walOf(s.path)); err != nil {
		return err
	}
	s.queue.init()
	return nil
}

// minReaders is how many may read at once even where there are fewer processors:
// two who read for long leave a place.
const minReaders = 3

func (s *Store) connectReaders() error {
	s.readers = make(chan *session, max(minReaders, runtime.GOMAXPROCS(0)))
	for s.reading < cap(s.readers) {
		r, err := s.connect(readerPragmas)
		if err != nil {
			return err
		}
		s.readers <- r
		s.reading++
	}
	r, err := s.connect(readerPragmas)
	if err != nil {
		return err
	}
	s.glances = make(chan *session, 1)
	s.glances <- r
	return nil
}

// OnCommit implements store.Store.
func (s *Store) OnCommit(ring func([]agentbridge.ChannelName)) { s.ring.Store(&ring) }

// tell rings the topics if somebody listens by now: another process may commit
// between Open and OnCommit.
func (s *Store) tell(topics []agentbridge.ChannelName) {
	if ring := s.ring.Load(); ring != nil {
		(*ring)(topics)
	}
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, f func(store.Reader) error) error {
	return s.view(ctx, s.readers, f)
}

// Glance implements store.Store.
func (s *Store) Glance(ctx context.Context, f func(store.Reader) error) error {
	return s.view(ctx, s.glances, f)
}

// view reads by one of the connections that are free, or the next that is.
func (s *Store) view(ctx context.Context, free chan *session, f func(store.Reader) error) error {
	select {
	case r := <-free:
		defer func() { free <- r }()
		return s.snapshot(r, f)
	case <-ctx.Done():
		return ctx.Err()
	case <-s.queue.closed:
		return errClosed
	}
}

// snapshot runs f in a read transaction. It must be short: a reader that stays
// keeps the WAL from being reused.
func (s *Store) snapshot(r *session, f func(store.Reader) error) (err error) {
	if err := r.exec("BEGIN"); err != nil {
		return s.storeError(err)
	}
	defer func() {
		err = errors.Join(err, s.storeError(r.exec("ROLLBACK")))
	}()
	return s.storeError(f(&reader{session: r}))
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.stop() // first, or the checkpointer complains that its turn is refused
	if !s.queue.close() {
		return nil
	}
	if s.bell != nil {
		s.bell.silence() // ends listenLoop
	}
	s.ended.Wait()
	return s.release()
}

// release closes whatever has been opened. It waits for the readers that are
// in use.
func (s *Store) release() error {
	var err error
	for range s.reading {
		err = errors.Join(err, (<-s.readers).close())
	}
	if s.glances != nil {
		err = errors.Join(err, (<-s.glances).close())
	}
	if s.writer != nil { // the last one to close: SQLite then tidies the WAL away
		err = errors.Join(err, s.writer.close())
	}
	if s.bell != nil {
		err = errors.Join(err, s.bell.close())
	}
	if s.gate != nil {
		err = errors.Join(err, s.gate.close())
	}
	return err
}
