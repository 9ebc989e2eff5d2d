//go:build unix

package boundary

import "syscall"

// MaxConnections is how many connections this process can hold and still have file descriptors for its
// store: three quarters of what it may open, at most 10,000.
func MaxConnections() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 768 // of the usual 1024
	}
	return int(min(uint64(limit.Cur)/4*3, maxConnections))
}
