//go:build unix

package bench

import (
	"syscall"
	"time"
)

// ownCPU is the time that this process has computed so far; false if the system
// doesn't tell.
func ownCPU() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
