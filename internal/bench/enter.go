package bench

import (
	"context"
	"fmt"
)

// Enter opens one agent through a door. Errors are *agentbridge.Error:
// Unreachable if nobody answers there or somebody who is no bridge, and
// Unauthenticated if the token is refused.
func (t *Target) Enter(ctx context.Context, door Door, name string) (Agent, error) {
	return nil, fmt.Errorf("%s has no door %s", t.Name, door)
}
