// This file ends requests that last longer than what admitted them.

package boundary

import (
	"context"
	"net/http"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

const (
	// lookTime is how often somebody who came without a credential is asked whether that is still enough.
	lookTime = 2 * time.Second
	// cutTime is what a request has left after its end to say goodbye. Then it can write nothing more, even if
	// its handler waits for a client that does not read. lookTime and cutTime together are the five seconds
	// within which a revoked credential has lost everything.
	cutTime = 2 * time.Second
)

// errClosed is why those are sent away who came in without a credential before one was asked for.
var errClosed = agentbridge.Refuse(agentbridge.Unauthenticated, "", "this bridge asks for a token by now; connect again with one")

// stay is an admitted request.
type stay struct {
	w   http.ResponseWriter
	end context.CancelCauseFunc // of its context

	mu    sync.Mutex // guards the fields below
	left  bool       // w belongs to the server again
	timer *time.Timer
}

// enter returns the context of an admitted request: it says who asks, and ends when the principal's or the
// cookie's life does. The caller calls leave when the request is over.
func (b *Boundary) enter(w http.ResponseWriter, v *visit) (ctx context.Context, leave func()) {
	ctx = agentbridge.WithPrincipal(v.r.Context(), v.who)
	if b.opts.Resource != nil {
		ctx = wire.WithChallenge(ctx, b.askFor(v))
	}
	life := v.who.Life
	if v.session != nil {
		life = v.session.ctx // which ends with the principal's
	}
	if life == nil && !v.anonymous {
		return ctx, func() {}
	}
	s := &stay{w: w}
	ctx, s.end = context.WithCancelCause(ctx)
	unbind := func() bool { return true }
	if life != nil {
		unbind = context.AfterFunc(life, func() { s.stop(context.Cause(life)) })
	}
	if v.anonymous {
		s.after(lookTime, func() { s.look(b) })
	}
	return ctx, func() {
		unbind()
		s.leave()
	}
}

// look ends the request if it would not be let in any more.
func (s *stay) look(b *Boundary) {
	if b.required() {
		s.stop(errClosed)
		return
	}
	s.after(lookTime, func() { s.look(b) })
}

func (s *stay) stop(cause error) {
	s.end(cause)
	s.after(cutTime, s.cut)
}

func (s *stay) after(d time.Duration, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.left {
		s.timer = time.AfterFunc(d, f)
	}
}

func (s *stay) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.left {
		_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now()) // only a test's writer can't
	}
}

func (s *stay) leave() {
	s.mu.Lock()
	s.left = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.end(nil)
}
