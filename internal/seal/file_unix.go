//go:build unix

package seal

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// checkPrivate refuses a key that other users know, or gave us.
func checkPrivate(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return unusable(path, "other users can get at it (its mode is %04o); make it 0600, and if somebody may have read it: agentbridge encryption rotate", mode)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if self := os.Geteuid(); ok && self != 0 && int(owner.Uid) != self && owner.Uid != 0 {
		return unusable(path, "it belongs to another user, who knows the key; name a file of your own with --encryption-key")
	}
	return nil
}

// sameOwner gives a file to the owner of the one that it is to replace, if there
// is one: root may change the key of a service.
func sameOwner(temp, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // none
	}
	old, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(old.Uid) == os.Geteuid() {
		return nil
	}
	return os.Chown(temp, int(old.Uid), int(old.Gid))
}

// syncDir has the names in a directory on disk. Some file systems can't, and
// need not.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
