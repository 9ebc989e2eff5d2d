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

	"agentbridge"
)

const (
	maxSessions = 1000
	maxOfOne    = 50 // of a verified principal, so that no agent ends the others'
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
	who    agentbridge.Principal
	minted time.Time
	ctx    context.Context
	end    context.CancelCauseFunc
	expiry *time.Timer
	unbind func() bool // from the principal's life
}

func newSessions(ttl time.Duration) *sessions {
	return &sessions{ttl: ttl, byDigest: map[[sha256.Size]byte]*session{}}
}

// mint opens a session for a principal, with whose life it ends, and returns its cookie. If there are too many
// the oldest ends.
func (s *sessions) mint(who agentbridge.Principal) string {
	random := make([]byte, sessionSize)
	_, _ = rand.Read(random) // never fails
	cookie := base64.RawURLEncoding.EncodeToString(random)
	digest := sha256.Sum256([]byte(cookie))

	s.mu.Lock()
	defer s.mu.Unlock()
	if n, oldest := s.of(who.Name); who.Verified() && n >= maxOfOne {
		s.remove(oldest, errSessionRevoked)
	} else if len(s.byDigest) >= maxSessions {
		_, oldest = s.of("")
		s.remove(oldest, errSessionRevoked)
	}
	x := &session{who: who, minted: time.Now(), unbind: func() bool { return true }}
	x.ctx, x.end = context.WithCancelCause(context.Background())
	x.expiry = time.AfterFunc(s.ttl, func() { s.drop(digest, errSessionExpired) })
	if who.Life != nil {
		x.unbind = context.AfterFunc(who.Life, func() { s.drop(digest, context.Cause(who.Life)) })
	}
	s.byDigest[digest] = x
	return cookie
}

// of counts the sessions of an agent, of everybody if its name is "", and returns the digest of the one that
// was minted first. The caller holds mu.
func (s *sessions) of(name agentbridge.AgentName) (n int, oldest [sha256.Size]byte) {
	var first *session
	for d, x := range s.byDigest {
		if name != "" && x.who.Name != name {
			continue
		}
		if n++; first == nil || x.minted.Before(first.minted) {
			oldest, first = d, x
		}
	}
	return n, oldest
}

// find returns the session of one of these cookies, or nil. A browser may send several: other ports of the
// same host share its cookies.
func (s *sessions) find(cookies []string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range cookies {
		if x := s.byDigest[sha256.Sum256([]byte(c))]; x != nil && x.who.Ended() == nil {
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
	x.unbind()
	x.end(cause)
}

func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for digest := range s.byDigest {
		s.remove(digest, errSessionRevoked)
	}
}
