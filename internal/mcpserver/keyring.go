package mcpserver

import (
	"slices"
	"sync"

	"agentbridge"
)

// maxKept is how many tokens a server keeps. An agent holds a few conversations;
// one in a loop must not fill the memory.
const maxKept = 1000

// keyring keeps the tokens that its server's one client was given, so that they
// need not pass through a model. It is in memory only. A nil one keeps nothing.
type keyring struct {
	mu   sync.Mutex // guards kept
	kept []agentbridge.SeatCredential
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
