//go:build unix

package bench

import "syscall"

// mostFiles is how many files and connections this process may have open at a
// time; false if the system doesn't tell.
func mostFiles() (uint64, bool) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, false
	}
	return uint64(l.Cur), true // its type is another on some systems
}
