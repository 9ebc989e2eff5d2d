package bridgetest

import (
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// Outdate lets the time of an invitation run out, as waiting would.
func (b *Bridge) Outdate(code agentbridge.Invite) {
	b.t.Helper()
	err := b.Store.Update(b.t.Context(), func(t store.Tx) error {
		i, ok, err := t.Invitation(code.ID())
		if err != nil || !ok {
			b.t.Errorf("Invitation(%s) found: %v, %v", code.ID(), ok, err)
			return err
		}
		i.ExpiresAt = time.Now()
		return t.PutInvitation(i)
	})
	if err != nil {
		b.t.Fatalf("outdate an invitation: %v", err)
	}
}
