//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// writable asks without opening the file, which would cost SQLite its locks.
func writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }
