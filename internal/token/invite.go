package token

import "agentbridge"

// Digest is what may be kept of an invitation's code. Without the key nobody
// can try codes on it, of which there are few enough to try them all.
func (k Key) Digest(code agentbridge.Invite) (d [32]byte) {
	copy(d[:], k.mac("invite", string(code)))
	return d
}
