package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"runtime"

	"agentbridge"
)

// keepPrivate takes a key file from all other users. Whoever could read it may
// have, so that alone does not help: the warning says so. A file that is not
// there is for others to miss.
func keepPrivate(path string, log *slog.Logger) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	err = os.Chmod(path, info.Mode().Perm()&^0o077)
	if info, again := os.Stat(path); err == nil && again == nil && info.Mode().Perm()&0o077 != 0 {
		err = errors.New("its file system has no modes")
	}
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	if err != nil {
		return agentbridge.Refuse(agentbridge.Unusable, "", "key file %s: other users can get at it (its mode is %04o), which can't be changed (%v); chmod it to 0600 as its owner, or keep it on another disk", path, info.Mode().Perm(), err)
	}
	log.Warn("other users could get at a key file until now; it was made 0600, but whoever read it can act as the bridge or read its messages: replace it", "file", path)
	return nil
}
