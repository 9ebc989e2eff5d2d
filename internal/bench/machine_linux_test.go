package bench

import (
	"os"
	"testing"
)

func TestProcessOf(t *testing.T) {
	before, ok := processOf(os.Getpid())
	if !ok || before.RSS <= 0 {
		t.Fatalf("processOf(self) = %+v, %v", before, ok)
	}
	sum := 0
	for own, _ := ownCPU(); ; { // until the clock of /proc, which ticks every 10 ms, has seen it
		for i := range 1_000_000 {
			sum += i
		}
		if now, _ := ownCPU(); now-own > 30_000_000 {
			break
		}
	}
	if after, _ := processOf(os.Getpid()); after.CPU <= before.CPU {
		t.Errorf("after computing to %d the CPU time is %v, before it was %v", sum, after.CPU, before.CPU)
	}
	for _, pid := range []int{0, -1, 1 << 30} {
		if p, ok := processOf(pid); ok {
			t.Errorf("processOf(%d) = %+v", pid, p)
		}
	}
}

func TestFilesystemIn(t *testing.T) {
	const mounts = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /tmp rw,nosuid - tmpfs tmpfs rw
31 30 0:27 / /tmp/my\040disk rw - xfs /dev/vdb rw
32 30 0:28 / /tmp/twice rw - xfs /dev/vdb rw
33 30 0:29 / /tmp/twice rw - overlay none rw
a line that makes no sense
`
	for path, want := range map[string]string{
		"/": "ext4", "/home/x": "ext4", "/tmpx": "ext4", "/tmp": "tmpfs", "/tmp/y": "tmpfs",
		"/tmp/my disk/z": "xfs", "/tmp/my": "tmpfs", "/tmp/twice/z": "overlay",
	} {
		if got := filesystemIn(mounts, path); got != want {
			t.Errorf("%s is on %q, want %q", path, got, want)
		}
	}
	if Filesystem(t.TempDir()) == "" || !InMemory("tmpfs") || InMemory("ext4") {
		t.Error("the filesystem of a directory that is there is unknown, or tmpfs is a disk")
	}
}

func TestExamine(t *testing.T) {
	m := Examine(t.TempDir())
	if m.Cores < 1 || m.Kernel == "" || m.Memory <= 0 || m.LoadBefore == nil || m.Filesystem == "" || m.Go == "" {
		t.Errorf("Examine() = %+v", m)
	}
}
