package bench

import (
	"os"
	"time"
)

// meter is the processor time used so far by the server and by this process.
type meter struct {
	run            *Run
	pid            int // 0 if the server's process is not known, or is this one
	server, client time.Duration
}

// meter starts to count. Behind the door Engine the server is this process;
// behind Stdio there is no server, and nobody knows the pids.
func (r *Run) meter(door Door) meter {
	m := meter{run: r}
	if (door == HTTP || door == MCP) && r.Target.PID != nil {
		if p, ok := processOf(r.Target.PID()); ok {
			m.pid, m.server = r.Target.PID(), p.CPU
		}
	}
	m.client, _ = ownCPU()
	return m
}

// into writes what was used since into a result. A server that was restarted
// meanwhile began anew, so nothing is said about it.
func (m meter) into(res *Result) {
	if p, ok := processOf(m.pid); ok && m.run.Target.PID() == m.pid {
		used := (p.CPU - m.server).Seconds()
		res.ServerCPU = &used
	}
	if cpu, ok := ownCPU(); ok {
		used := (cpu - m.client).Seconds()
		res.ClientCPU = &used
	}
}

// figure adds one of the figures that only this scenario has.
func (r *Result) figure(name string, value float64) {
	if r.Figures == nil {
		r.Figures = map[string]float64{}
	}
	r.Figures[name] = value
}

// figureCPU adds the processor time of a thousand operations: the server's, or
// where that is in this process, of both together.
func (r *Result) figureCPU(what string) {
	switch {
	case r.Count == 0:
	case r.ServerCPU != nil:
		r.figure("server CPU s/1000 "+what, *r.ServerCPU*1000/float64(r.Count))
	case r.Door == Engine && r.ClientCPU != nil:
		r.figure("process CPU s/1000 "+what, *r.ClientCPU*1000/float64(r.Count))
	}
}

// sizeOnDisk is how large a database is, with its write-ahead log; false if
// that can't be told. It looks at the directory and never opens the files: a
// process that has them open, as this one may, would lose its locks.
func sizeOnDisk(db string) (int64, bool) {
	if db == "" {
		return 0, false
	}
	main, err := os.Stat(db)
	if err != nil {
		return 0, false
	}
	size := main.Size()
	if wal, err := os.Stat(db + "-wal"); err == nil {
		size += wal.Size()
	}
	return size, true
}
