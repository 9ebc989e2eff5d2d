package boundary

import "time"

// SetBodyTime shortens what a client gets for sending a body.
func (b *Boundary) SetBodyTime(d time.Duration) { b.bodyTime = d }

// Addresses is how many addresses are remembered.
func (b *Boundary) Addresses() int { return len(b.attempts.byAddress) }

// Sessions is how many sessions are open.
func (b *Boundary) Sessions() int { return len(b.sessions.byDigest) }

const (
	MaxAddresses = maxAddresses
	MaxSessions  = maxSessions
)
