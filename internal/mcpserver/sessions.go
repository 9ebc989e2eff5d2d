// This file keeps the sessions of /mcp before 2026-07-28: how many there may be, and when an idle one ends.

package mcpserver

import (
	"net/http"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A session is one client of an older revision. It is in use while an exchange belongs to it.
type session struct {
	id     string
	user   string // whose token opened it; "" without authentication
	server *mcp.ServerSession

	// Guarded by sessions.mu.
	exchanges map[*exchange]struct{}
	timer     *time.Timer // runs while there is no exchange
	ended     bool
}

type sessions struct {
	limit int
	idle  time.Duration

	mu     sync.Mutex // guards the fields below and the ones that session names
	byID   map[string]*session
	open   int // sessions of /mcp and /sse, and requests that may become one
	closed bool
}

// reserve reports whether there is room for one more session. Whoever got it calls release.
func (s *sessions) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.open >= s.limit {
		return false
	}
	s.open++
	return true
}

func (s *sessions) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

func (s *sessions) get(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// join notes that x uses the session. It reports false if the session has ended.
func (s *sessions) join(sess *session, x *exchange) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess.ended {
		return false
	}
	sess.timer.Stop()
	sess.exchanges[x] = struct{}{}
	return true
}

func (s *sessions) leave(sess *session, x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(sess.exchanges, x)
	if len(sess.exchanges) == 0 && !sess.ended {
		sess.timer.Reset(s.idle)
	}
}

// remove takes the session out, with the place it held, and returns what still used it. It reports false if
// it had ended already, or if onlyIdle and it is in use: a request may come in while the timer fires.
func (s *sessions) remove(sess *session, onlyIdle bool) ([]*exchange, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess.ended || onlyIdle && len(sess.exchanges) > 0 {
		return nil, false
	}
	sess.ended = true
	sess.timer.Stop()
	delete(s.byID, sess.id)
	s.open--
	var using []*exchange
	for x := range sess.exchanges {
		using = append(using, x)
	}
	return using, true
}

// close lets no session in any more and returns those there are.
func (s *sessions) close() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var open []*session
	for _, sess := range s.byID {
		open = append(open, sess)
	}
	return open
}

// registerSession makes the place that x's initialize request holds the session's.
func (t *transports) registerSession(x *exchange, server *mcp.ServerSession) {
	sess := &session{id: server.ID(), server: server, exchanges: map[*exchange]struct{}{x: {}}}
	if info := auth.TokenInfoFromContext(x.ctx); info != nil {
		sess.user = info.UserID
	}
	s := &t.sessions
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		t.closeSession(server)
		return
	}
	sess.timer = time.AfterFunc(s.idle, func() { t.endIdle(sess) })
	sess.timer.Stop() // x is using it
	s.byID[sess.id] = sess
	s.mu.Unlock()
	x.mu.Lock()
	x.session = sess
	x.mu.Unlock()
}

func (t *transports) endIdle(sess *session) {
	if _, ok := t.sessions.remove(sess, true); ok {
		t.opts.Logger.Debug("mcp session ended: idle")
		t.closeSession(sess.server)
	}
}

// endSession ends a session and what uses it. The SDK's Close waits for running calls, which therefore
// have to be cancelled first. The channel is closed when the SDK is done.
func (t *transports) endSession(sess *session) <-chan struct{} {
	using, ok := t.sessions.remove(sess, false)
	if !ok {
		done := make(chan struct{})
		close(done)
		return done
	}
	for _, x := range using {
		x.cut(errSessionEnded)
	}
	return t.closeSession(sess.server)
}

// closeSession closes a session of the SDK without waiting for a tool that ignores its context.
func (t *transports) closeSession(server *mcp.ServerSession) <-chan struct{} {
	done := make(chan struct{})
	t.closing.add()
	go func() {
		defer t.closing.done()
		defer close(done)
		_ = server.Close() // reports how the connection ended, which we caused
	}()
	return done
}

// refuseSession answers when there are too many sessions.
func refuseSession(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "30")
	writeError(w, http.StatusServiceUnavailable, "too many sessions, try again later")
}

// sameUser reports whether the request may use what user opened. A session id is not a credential.
func sameUser(r *http.Request, user string) bool {
	if user == "" {
		return true
	}
	info := auth.TokenInfoFromContext(r.Context())
	return info != nil && info.UserID == user
}
