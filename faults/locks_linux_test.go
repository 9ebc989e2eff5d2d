package faults

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// holdsLock tells whether a process holds the lock on a file. A lock is listed
// under the process that opened the file.
func holdsLock(pid int, path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	inode := fmt.Sprintf(":%d", info.Sys().(*syscall.Stat_t).Ino)
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(locks)) { // 1: FLOCK ADVISORY WRITE 4711 fe:00:1234 0 EOF
		f := strings.Fields(line)
		if len(f) == 8 && f[1] == "FLOCK" && f[4] == fmt.Sprint(pid) && strings.HasSuffix(f[5], inode) {
			return true // "->" in front of FLOCK is one who waits
		}
	}
	return false
}
