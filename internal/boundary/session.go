// This file keeps the sessions of browsers. They live in memory, as digests: a restart ends them all.

package boundary

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"sync"
	"time"
)

const (
	maxSessions = 1000
	sessionSize = 32 // random bytes of a cookie
)

// Why a session ended; seen as context.Cause by handlers.
var (
	errSessionExpired = errors.New("the session has expired")
	errSessionRevoked = errors.New("the session was revoked")
)

// sessions are those that have neither expired nor been revoked.
type sessions struct {
	ttl time.Duration

	mu       sync.Mutex // guards byDigest
	byDigest map[[sha256.Size]byte]*session
}

// session admits whoever has its cookie. Its context stands for its life, and no request's.
type session struct {
	minted time.Time
	ctx    context.Context
	end    context.CancelCauseFunc
	expiry *time.Timer
}

func newSessions(ttl time.Duration) *sessions {
	return &sessions{ttl: ttl, byDigest: map[[sha256.Size]byte]*session{}}
}

// mint opens a session and returns its cookie. If there are too many the oldest ends.
func (s *sessions) mint() string {
	random := make([]byte, sessionSize)
	_, _ = rand.Read(random) // never fails
	cookie := base64.RawURLEncoding.EncodeToString(random)
	digest := sha256.Sum256([]byte(cookie))

	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byDigest) >= maxSessions {
		s.remove(s.oldest(), errSessionRevoked)
	}
	x := &session{minted: time.Now()}
	x.ctx, x.end = context.WithCancelCause(context.Background())
	x.expiry = time.AfterFunc(s.ttl, func() { s.drop(digest, errSessionExpired) })
	s.byDigest[digest] = x
	return cookie
}

// oldest is the digest of the session that was minted first. The caller holds mu.
func (s *sessions) oldest() (digest [sha256.Size]byte) {
	var first *session
	for d, x := range s.byDigest {
		if first == nil || x.minted.Before(first.minted) {
			digest, first = d, x
		}
	}
	return digest
}

// find returns the session of one of these cookies, or nil. A browser may send several: other ports of the
// same host share its cookies.
func (s *sessions) find(cookies []string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range cookies {
		if x := s.byDigest[sha256.Sum256([]byte(c))]; x != nil {
			return x
		}
	}
	return nil
}

func (s *sessions) revoke(cookies []string) {
	for _, c := range cookies {
		s.drop(sha256.Sum256([]byte(c)), errSessionRevoked)
	}
}

func (s *sessions) drop(digest [sha256.Size]byte, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(digest, cause)
}

// remove ends a session if it is still there. The caller holds mu.
func (s *sessions) remove(digest [sha256.Size]byte, cause error) {
	x := s.byDigest[digest]
	if x == nil {
		return
	}
	delete(s.byDigest, digest)
	x.expiry.Stop()
	x.end(cause)
}

func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for digest := range s.byDigest {
		s.remove(digest, errSessionRevoked)
	}
}

// bind returns a request's context that ends with the session, at once. The caller calls done when the
// request is over. A request without a session keeps its context.
func (x *session) bind(ctx context.Context) (_ context.Context, done func()) {
	if x == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unbind := context.AfterFunc(x.ctx, func() { cancel(context.Cause(x.ctx)) })
	return ctx, func() {
		unbind()
		cancel(nil)
	}
}
