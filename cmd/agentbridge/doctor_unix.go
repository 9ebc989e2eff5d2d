//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// modesMatter says that mode bits keep users out here.
const modesMatter = true

// ownerProblem says that a file belongs to somebody else than the database does,
// "" if it does not. Root owns many directories, and that is right.
func ownerProblem(path string, info fs.FileInfo, db string) string {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.IsDir() && owner.Uid == 0 {
		return ""
	}
	if self := os.Geteuid(); path == db && self != 0 && int(owner.Uid) != self {
		return fmt.Sprintf("%s belongs to user %d, and this is user %d", path, owner.Uid, self)
	}
	of, err := os.Stat(db)
	if err != nil {
		return ""
	}
	if theirs, ok := of.Sys().(*syscall.Stat_t); ok && theirs.Uid != owner.Uid {
		return fmt.Sprintf("%s belongs to user %d, and the database to user %d", path, owner.Uid, theirs.Uid)
	}
	return ""
}

// freeSpace is what we may use, in bytes.
func freeSpace(dir string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	return int64(fs.Bavail) * int64(fs.Bsize), nil
}
