package mcpserver

import (
	"maps"
	"slices"
	"sync"
	"time"

	"agentbridge"
)

// maxKept is how many tokens a server keeps. An agent holds a few conversations;
// one in a loop must not fill the memory.
const maxKept = 1000

// keyring keeps the tokens that its server's one client was given, so that they
// need not pass through a model, and knows the invites that it was given to pass
// on. It is in memory only. A nil one keeps nothing.
type keyring struct {
	mu      sync.Mutex // guards the fields below
	kept    []agentbridge.SeatCredential
	invites map[agentbridge.Invite]time.Time // until when they may admit
}

// gave remembers an invite as long as it may admit. How many these are the
// engine's limits bound; to forget the oldest for a new one would help a creator
// who wants one forgotten. The clock is this process's, which nobody can set back.
func (k *keyring) gave(code agentbridge.Invite) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(k.invites, func(_ agentbridge.Invite, until time.Time) bool { return !now.Before(until) })
	if k.invites == nil {
		k.invites = map[agentbridge.Invite]time.Time{}
	}
	k.invites[code] = now.Add(agentbridge.InviteLife)
}

// isOwn tells whether the client was given this invite, to pass it on. The
// engine knows a creator by name; one without a name only his process knows.
func (k *keyring) isOwn(code agentbridge.Invite) bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	until, ok := k.invites[code]
	return ok && time.Now().Before(until)
}

// keep remembers a token, in place of the oldest if there are too many.
func (k *keyring) keep(id agentbridge.ConversationID, seat agentbridge.Seat, token agentbridge.Token) {
	if k == nil || token == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) == maxKept {
		k.kept = slices.Delete(k.kept, 0, 1)
	}
	k.kept = append(k.kept, agentbridge.SeatCredential{Conversation: id, Seat: seat, Token: token})
}

// token returns the token of a seat, "" if it was not kept.
func (k *keyring) token(id agentbridge.ConversationID, seat agentbridge.Seat) agentbridge.Token {
	if k == nil {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range slices.Backward(k.kept) {
		if c.Conversation == id && c.Seat == seat {
			return c.Token
		}
	}
	return ""
}
