package sqlite

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"agentbridge"
	"agentbridge/internal/store"
)

// maxBatch bounds how many transactions share one commit, and with that how
// long the first of them waits and how long other processes stand at the gate.
const maxBatch = 256

// request is one piece of work for the writer connection.
type request struct {
	f     func(store.Tx) error // runs in a transaction that others may share
	alone func()               // instead of f: runs between two transactions

	// turn receives once: the result, or the pen. It has room for it, so that
	// whoever sends goes on at once.
	turn chan turn
}

type turn struct {
	lead bool // the pen is yours, and your request is still to be done
	err  error
}

// queue passes the pen: the right to use the writer connection. Whoever finds
// it free takes it and does the work that has gathered, its own included; the
// others wait for their result. So a lone sender writes in its own goroutine,
// without being put to sleep and woken, and among many one commit serves all.
// The next batch gathers while the disk syncs; there is no timer.
type queue struct {
	mu      sync.Mutex // guards pending, taken and shut
	pending []*request
	taken   bool // somebody holds the pen, or has been sent it
	shut    bool

	closed chan struct{} // closed by close
	idle   chan struct{} // closed when the pen was put down for good
}

func (q *queue) init() {
	q.closed = make(chan struct{})
	q.idle = make(chan struct{})
}

// put adds a request. lead tells that the caller holds the pen now.
func (q *queue) put(r *request) (lead, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut {
		return false, false
	}
	q.pending = append(q.pending, r)
	lead = !q.taken
	q.taken = true
	return lead, true
}

// withdraw takes back a request that nobody has begun. The first one may have
// been sent the pen already and then has to use it.
func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, p := range q.pending {
		if p == r && len(r.turn) == 0 {
			q.pending = slices.Delete(q.pending, i, i+1)
			return true
		}
	}
	return false
}

// take returns the requests that share the next commit, or a single one that
// has to be alone.
func (q *queue) take() (batch []*request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := slices.IndexFunc(q.pending, func(r *request) bool { return r.alone != nil })
	if n < 0 {
		n = len(q.pending)
	}
	n = min(max(n, 1), maxBatch)
	batch = slices.Clone(q.pending[:n])
	q.pending = slices.Delete(q.pending, 0, n)
	return batch
}

// pass gives the pen to the first who waits, or puts it down.
func (q *queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) > 0 {
		q.pending[0].turn <- turn{lead: true}
		return
	}
	q.taken = false
	if q.shut {
		close(q.idle)
	}
}

// close refuses further requests and waits for those that are queued.
func (q *queue) close() (first bool) {
	q.mu.Lock()
	first = !q.shut
	if first {
		q.shut = true
		close(q.closed)
		if !q.taken {
			close(q.idle)
		}
	}
	q.mu.Unlock()
	<-q.idle
	return first
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, f func(store.Tx) error) error {
	return s.do(ctx, &request{turn: make(chan turn, 1), f: func(t store.Tx) error {
		if err := ctx.Err(); err != nil { // it ended while others were before it
			return err
		}
		return f(t)
	}})
}

// exclusively runs f while no transaction is open.
func (s *Store) exclusively(ctx context.Context, f func()) error {
	return s.do(ctx, &request{alone: f, turn: make(chan turn, 1)})
}

func (s *Store) do(ctx context.Context, r *request) error {
	lead, ok := s.queue.put(r)
	if !ok {
		return errClosed
	}
	if lead {
		return s.lead(r)
	}
	done := ctx.Done()
	for {
		select {
		case t := <-r.turn:
			if t.lead {
				return s.lead(r)
			}
			return t.err
		case <-done:
			if s.queue.withdraw(r) {
				return ctx.Err()
			}
			done = nil // it has begun: only its commit knows how it ends
		}
	}
}

// lead does the work at the head of the queue, to which the caller's own
// request belongs, and passes the pen on.
func (s *Store) lead(own *request) error {
	batch := s.queue.take()
	if batch[0].alone != nil {
		batch[0].alone()
		s.queue.pass()
		return nil
	}
	results, rang, err := s.commit(batch)
	for i, r := range batch[1:] {
		r.turn <- turn{err: results[i+1]}
	}
	s.ended.Add(1) // once the pen is down Close goes on, but not past the knock
	defer s.ended.Done()
	s.queue.pass()
	if err == nil {
		s.committed(rang)
	}
	return results[0]
}

// commit runs a batch as one transaction and wakes its readers in this process.
// An error means that nothing of the batch was kept.
func (s *Store) commit(batch []*request) (results []error, rang bool, err error) {
	leave := s.gate.enter()
	var topics []agentbridge.ChannelName
	results, topics, err = s.transact(batch)
	leave()

	for i := range results {
		if err != nil {
			results[i] = err
		}
		results[i] = s.storeError(results[i])
	}
	if len(topics) == 0 {
		return results, false, err
	}
	s.rang(s.ledger.tree.Size(), int64(len(topics)))
	s.tell(topics)
	return results, true, nil
}

// committed tells those who may learn of a commit a little later.
func (s *Store) committed(rang bool) {
	if rang && s.bell != nil {
		s.bell.knock()
	}
	select {
	case s.wrote <- struct{}{}:
	default: // the checkpointer knows
	}
}

// transact applies a batch between BEGIN and COMMIT. An error means that
// nothing of the batch was kept.
func (s *Store) transact(batch []*request) (results []error, topics []agentbridge.ChannelName, err error) {
	results = make([]error, len(batch))
	if err := s.checkFile(); err != nil {
		return results, nil, err
	}
	// IMMEDIATE, so that a lock held by a foreign program is met here and not
	// in the middle of somebody's changes.
	if err := s.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return results, nil, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			s.rollback()
		}
	}()
	if err := s.ledger.refresh(s.writer); err != nil {
		return results, nil, fmt.Errorf("refresh: %w", err)
	}
	t := &tx{reader: reader{session: s.writer}, ledger: &s.ledger}
	if len(batch) == 1 {
		if err := t.guarded(batch[0].f); err != nil {
			return results, nil, err
		}
	} else {
		for i, r := range batch {
			if results[i], err = t.apply(r.f); err != nil {
				return results, nil, err
			}
		}
	}
	// Before this line a crash loses the whole batch and nobody has been told
	// otherwise; after it the batch is on disk, whether or not the answers
	// leave this process.
	if err := s.writer.exec("COMMIT"); err != nil {
		return results, nil, fmt.Errorf("commit: %w", err)
	}
	s.ledger.keep(s.writer)
	return results, t.topics, nil
}

// rollback ends a transaction that failed. SQLite may have ended it already,
// on a full disk for instance; then this has nothing to do.
func (s *Store) rollback() {
	s.ledger.doubt()
	if err := s.writer.exec("ROLLBACK"); err != nil {
		s.log.Debug("rollback after an error", "error", err)
	}
}

// apply runs one request so that its failure undoes its own changes only. The
// first result is the request's, the second means the whole batch is lost.
func (t *tx) apply(f func(store.Tx) error) (result, lost error) {
	if err := t.exec("SAVEPOINT request"); err != nil {
		return nil, err
	}
	rings, seq, tree := len(t.topics), t.ledger.seq, t.ledger.tree.Clone()
	if result = t.guarded(f); result != nil {
		t.topics = t.topics[:rings]
		t.ledger.seq, t.ledger.tree = seq, tree
		clear(t.ledger.channels) // some may never have been made
		if err := t.exec("ROLLBACK TO request"); err != nil {
			return nil, result // SQLite gave up the transaction: what it said first is the cause
		}
	}
	return result, t.exec("RELEASE request")
}

// guarded turns a panic into an error: one caller's bug must not take the
// others of its batch down.
func (t *tx) guarded(f func(store.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return f(t)
}

// rang notes that the topics of our own entries have rung. If entries of
// another process stand before them, the listener will come to all of these.
func (s *Store) rang(head, entries int64) {
	s.heard.CompareAndSwap(head-entries, head)
}
