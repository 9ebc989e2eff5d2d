//go:build unix

package sqlite

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// besides are the files that belong to a database. SQLite gives -wal and -shm
// the mode of the database when it makes them.
var besides = []string{"", "-wal", "-shm", ".lock", ".bell"}

// keepOut takes a database's files from all other users: who can read one can
// read messages, who can write one can stop or fool the bridge. It goes by their
// names and opens none, which would cost SQLite its locks.
func keepOut(path string, log *slog.Logger) error {
	var opened []string
	for _, suffix := range besides {
		info, err := os.Stat(path + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		if mode&0o077 == 0 {
			continue
		}
		if err := makePrivate(path+suffix, mode&^0o077); err != nil {
			return unusable(path, "other users can get at %s (its mode is %04o), which can't be changed (%v); chmod it to 0600 as its owner, or name a file on another disk", filepath.Base(path+suffix), mode, err)
		}
		opened = append(opened, filepath.Base(path+suffix))
	}
	if len(opened) > 0 {
		log.Warn("other users could get at the database until now; its files were made 0600", "db", path, "files", strings.Join(opened, ", "))
	}
	return checkDir(path, log)
}

// makePrivate looks whether it worked: some file systems have no modes.
func makePrivate(path string, mode fs.FileMode) error {
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = errors.New("its file system has no modes")
	}
	return err
}

// checkDir warns of a directory in which everybody may replace our files. It is
// no reason to refuse: volumes of containers have such modes, and nobody else is
// there. A sticky one, like /tmp, keeps others from ours.
func checkDir(path string, log *slog.Logger) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		log.Warn("every user can replace the files of the database, because they can write to its directory; chmod o-w it", "dir", dir)
	}
	return nil
}
