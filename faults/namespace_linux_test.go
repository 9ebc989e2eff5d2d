package faults

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// withMounts runs a test in a process that may mount what it likes: nobody else
// sees it, and it ends with the process. It returns false where that is not
// permitted.
func withMounts(t *testing.T, test func(*testing.T)) (ran bool) {
	t.Helper()
	return elsewhere(t, func(cmd *exec.Cmd) { cmd.SysProcAttr = ownMounts() }, test)
}

// ownMounts gives a process its own mounts; who is not root has to be root of
// its own first.
func ownMounts() *syscall.SysProcAttr {
	if os.Getuid() == 0 {
		return &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // and nothing spreads from there
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

// mountSmall mounts a disk in memory, in a process that withMounts started. It
// returns "" if that is not permitted.
func mountSmall(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, options); err != nil {
		t.Logf("%smount: %v", denied, err)
		return ""
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}
