// This file keeps the sessions of /mcp before 2026-07-28: how many there may be, and when an idle one ends.

package mcpserver

import (
	"context"
	"net/http"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A session is one client of an older revision. It is in use while an exchange belongs to it.
type session struct {
	id     string
	user   agentbridge.AgentName // who opened it; "" is nobody who is known by name
	server *mcp.ServerSession

	// Guarded by sessions.mu.
	exchanges map[*exchange]struct{}
	timer     *time.Timer // runs while there is no exchange
	used      time.Time   // when it was left last
	unbind    func() bool // from the life of the credential that opened it; nil if there is none
	ended     bool
}

type sessions struct {
	limit int
	idle  time.Duration

	mu     sync.Mutex // guards the fields below and the ones that session names
	byID   map[string]*session
	open   int                           // places: sessions of /mcp and /sse, and requests that may become one
	heldBy map[agentbridge.AgentName]int // how many of them, "" being all those together who are known by no name
	closed bool
}

// share is how many places one agent may hold, or all those together who are known by no name. These leave a
// quarter to the agents, each of whom has a twentieth: whoever fills his share locks out himself only.
func (s *sessions) share(user agentbridge.AgentName) int {
	if user == "" {
		return s.limit - s.limit/4
	}
	return max(1, s.limit/20)
}

// reserve takes a place for a session that user may open. Whoever got it calls release, or leaves it to the
// session. An agent that has used up its share gets the place of its session that has been idle for longest,
// which is removed and returned; the nameless, who may be many, must not end each other's.
func (s *sessions) reserve(user agentbridge.AgentName) (instead *session, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	if s.heldBy[user] >= s.share(user) {
		if user != "" {
			instead = s.longestIdle(user)
		}
		if instead == nil {
			return nil, false
		}
		s.take(instead)
	}
	if s.open >= s.limit {
		return instead, false
	}
	s.open++
	s.heldBy[user]++
	return instead, true
}

// longestIdle returns the session of a user that nothing has used for longest, nil if all are in use. The
// caller holds mu.
func (s *sessions) longestIdle(user agentbridge.AgentName) (idle *session) {
	for _, sess := range s.byID {
		if sess.user == user && len(sess.exchanges) == 0 && (idle == nil || sess.used.Before(idle.used)) {
			idle = sess
		}
	}
	return idle
}

func (s *sessions) release(user agentbridge.AgentName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free(user)
}

// free gives a place back. The caller holds mu.
func (s *sessions) free(user agentbridge.AgentName) {
	s.open--
	if s.heldBy[user]--; s.heldBy[user] == 0 {
		delete(s.heldBy, user)
	}
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
	x.session = sess
	return true
}

// add makes the place that x holds the session's. It reports false if x has left, and taken its place along:
// the SDK goes on with the initialize request of a client that has hung up.
func (s *sessions) add(sess *session, x *exchange) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || x.left {
		return false
	}
	sess.exchanges[x] = struct{}{}
	s.byID[sess.id] = sess
	x.session = sess
	return true
}

// leave ends x's use of its session, which it returns. The place of a session that was never opened is free
// again.
func (s *sessions) leave(x *exchange) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.left = true
	sess := x.session
	if sess == nil {
		if x.admitted {
			s.free(userOf(x.ctx))
		}
		return nil
	}
	delete(sess.exchanges, x)
	if len(sess.exchanges) == 0 && !sess.ended {
		sess.used = time.Now()
		sess.timer.Reset(s.idle)
	}
	return sess
}

// remove takes the session out, with the place it held, and returns what still used it. It reports false if
// it had ended already, or if onlyIdle and it is in use: a request may come in while the timer fires.
func (s *sessions) remove(sess *session, onlyIdle bool) ([]*exchange, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess.ended || onlyIdle && len(sess.exchanges) > 0 {
		return nil, false
	}
	s.take(sess)
	var using []*exchange
	for x := range sess.exchanges {
		using = append(using, x)
	}
	return using, true
}

// take takes a session out, with its place. The caller holds mu.
func (s *sessions) take(sess *session) {
	sess.ended = true
	sess.timer.Stop()
	if sess.unbind != nil {
		sess.unbind()
	}
	delete(s.byID, sess.id)
	s.free(sess.user)
}

// bind has end called when life ends, unless the session has ended by then.
func (s *sessions) bind(sess *session, life context.Context, end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !sess.ended {
		sess.unbind = context.AfterFunc(life, end)
	}
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

// reserve takes a place for a session of a user, for which an older one of his may have to end.
func (t *transports) reserve(user agentbridge.AgentName) bool {
	instead, ok := t.sessions.reserve(user)
	if instead != nil {
		t.opts.Logger.Debug("mcp session ended: its agent opened too many", "agent", user)
		t.closeSession(instead.server)
	}
	return ok
}

// registerSession keeps the session that x's initialize request has opened, or closes it if x has left. The
// session ends with the credential that opened it, also if its agent has a new one by then.
func (t *transports) registerSession(x *exchange, server *mcp.ServerSession) {
	sess := &session{id: server.ID(), user: userOf(x.ctx), server: server, exchanges: make(map[*exchange]struct{})}
	sess.timer = time.AfterFunc(t.sessions.idle, func() { t.endIdle(sess) })
	sess.timer.Stop() // x is using it
	if !t.sessions.add(sess, x) {
		t.closeSession(server)
		return
	}
	if life := agentbridge.PrincipalOf(x.ctx).Life; life != nil {
		t.sessions.bind(sess, life, func() { t.endSession(sess) })
	}
}

// leave ends x's use of its session, and the session if x opened it and nobody was told its id.
func (t *transports) leave(x *exchange) {
	if sess := t.sessions.leave(x); sess != nil && x.admitted && !x.stream.answered() {
		t.endSession(sess)
	}
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

// refuseSession answers when there are too many sessions, of everybody or of who asks.
func refuseSession(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "30")
	wire.WriteError(w, http.StatusServiceUnavailable, "too many sessions; end some, or try again later, or have the bridge started with a higher --max-sessions")
}

// userOf returns the name of who acts in a context, "" for somebody who is known by none.
func userOf(ctx context.Context) agentbridge.AgentName { return agentbridge.PrincipalOf(ctx).Name }

// sameUser reports whether the request may use what user opened. A session id is not a credential: an agent's
// session is its own, and of those who have no names neither can enter the other's world.
func sameUser(r *http.Request, user agentbridge.AgentName) bool {
	return userOf(r.Context()) == user
}
