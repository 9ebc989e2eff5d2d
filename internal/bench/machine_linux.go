package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the times in /proc/PID/stat, USER_HZ: the kernel
// shows 100 a second to programs on every architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// processOf looks at a process; false if there is none, or none to look at.
func processOf(pid int) (Process, bool) {
	if pid <= 0 {
		return Process{}, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, false
	}
	// The name in parentheses may hold spaces and parentheses; fields are
	// counted from the state behind it (proc(5): 3 state, 14 utime, 15 stime, 24 rss).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 22 {
		return Process{}, false
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	pages, err3 := strconv.ParseInt(string(fields[21]), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return Process{}, false
	}
	return Process{CPU: time.Duration(user+system) * clockTick, RSS: pages * int64(os.Getpagesize())}, true
}

func kernel() string { return strings.TrimSpace(read("/proc/sys/kernel/osrelease")) }

func cpuModel() string {
	for line := range strings.Lines(read("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}

// memory is the machine's, in bytes; 0 if unknown.
func memory() int64 {
	for line := range strings.Lines(read("/proc/meminfo")) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "MemTotal:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// cpuTicks reads the line of all cores (proc_stat(5): user nice system idle
// iowait irq softirq steal; the guests' behind them are in user already).
func cpuTicks() (t ticks) {
	line, _, _ := strings.Cut(read("/proc/stat"), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return ticks{}
	}
	for i, field := range fields[1:9] {
		v, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return ticks{}
		}
		t.all += v
		if i == 7 {
			t.stolen = v
		}
	}
	return t
}

func loadAverage() *Load {
	fields := strings.Fields(read("/proc/loadavg"))
	if len(fields) < 3 {
		return nil
	}
	var l Load
	for i := range l {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return nil
		}
		l[i] = v
	}
	return &l
}

// Filesystem is the type of the filesystem that a directory is on; "" if
// unknown.
func Filesystem(dir string) string {
	path, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filesystemIn(read("/proc/self/mountinfo"), path)
}

// filesystemIn looks for the mount that a path is below: the longest, and of
// several at one place the last, which covers the others (proc(5): field 5 is
// the place; the type follows a lone dash).
func filesystemIn(mounts, path string) (kind string) {
	longest := -1
	for line := range strings.Lines(mounts) {
		front, back, ok := strings.Cut(line, " - ")
		fields, types := strings.Fields(front), strings.Fields(back)
		if !ok || len(fields) < 5 || len(types) == 0 {
			continue
		}
		at := mountPlace.Replace(fields[4])
		below := at == "/" || path == at || strings.HasPrefix(path, at+"/")
		if below && len(at) >= longest {
			longest, kind = len(at), types[0]
		}
	}
	return kind
}

// mountPlace undoes what the kernel escapes in mountinfo.
var mountPlace = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// read returns a file of /proc; what can't be read is empty.
func read(path string) string {
	raw, _ := os.ReadFile(path)
	return string(raw)
}
