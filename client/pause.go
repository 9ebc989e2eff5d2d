package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"agentbridge"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	// maxRetryAfter bounds what a server may ask for.
	maxRetryAfter = time.Minute
)

// backoff is how long to wait after a number of failures in a row: from
// firstPause to maxPause, up to half of it random so that clients which lost
// the same server don't come back together, and at least as long as the server
// asked for.
func backoff(failures int, err error) time.Duration {
	wait := maxPause
	if doublings := failures - 1; doublings < 6 { // 100 ms × 2⁶ > maxPause
		wait = firstPause << max(doublings, 0)
	}
	wait -= rand.N(wait/2 + 1)
	if e, ok := errors.AsType[*agentbridge.Error](err); ok {
		wait = max(wait, min(e.RetryAfter, maxRetryAfter))
	}
	return wait
}

// pause waits, and tells whether there was time to: one that would outlast the
// context is not begun.
func pause(ctx context.Context, wait time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
