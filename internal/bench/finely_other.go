//go:build !linux

package bench

import "time"

// finely reports false: only Linux tells.
func finely(int) (time.Duration, bool) { return 0, false }
