//go:build unix && !linux

package faults

// holdsLock tells whether a process holds the lock on a file, which can't be
// seen here.
func holdsLock(int, string) bool { return false }
