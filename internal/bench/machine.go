package bench

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"agentbridge"
)

// Machine is what a figure depends on besides the program. Facts that the
// system does not tell are left out.
type Machine struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Kernel     string `json:"kernel,omitempty"`
	CPU        string `json:"cpu,omitempty"` // model
	Cores      int    `json:"cores"`         // that the program may use
	Memory     int64  `json:"memory_bytes,omitempty"`
	Filesystem string `json:"filesystem,omitempty"` // of the directory of the databases

	LoadBefore *Load `json:"load_before,omitempty"`
	LoadAfter  *Load `json:"load_after,omitempty"`
	// Stolen is the percentage of the cores' time that a hypervisor gave to
	// others during the run; nil if unknown.
	Stolen *float64 `json:"stolen_percent,omitempty"`
	ticks  ticks

	// Disk is fdatasync there, before anything else ran.
	Fdatasync    float64 `json:"fdatasync_ms,omitempty"`
	FdatasyncP99 float64 `json:"fdatasync_p99_ms,omitempty"`

	Program  string `json:"program"`            // version of agentbridge
	Revision string `json:"revision,omitempty"` // of its source; ends in + where that was changed
	Go       string `json:"go"`
	CGO      bool   `json:"cgo"`  // built with it: releases are not
	Race     bool   `json:"race"` // built with the race detector: the figures are worthless
}

// Load is the average number of runnable tasks over 1, 5 and 15 minutes.
type Load [3]float64

// Examine looks at this machine and at the filesystem of a directory.
func Examine(dir string) Machine {
	m := Machine{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.GOMAXPROCS(0),
		Kernel: kernel(), CPU: cpuModel(), Memory: memory(),
		Filesystem: Filesystem(dir), LoadBefore: loadAverage(),
		Program: agentbridge.Version, Go: runtime.Version(),
	}
	m.ticks = cpuTicks()
	m.build()
	return m
}

// end adds what only the end of the run can tell.
func (m *Machine) end() {
	m.LoadAfter = loadAverage()
	if now := cpuTicks(); now.all > m.ticks.all {
		stolen := 100 * float64(now.stolen-m.ticks.stolen) / float64(now.all-m.ticks.all)
		m.Stolen = &stolen
	}
}

// ticks are all the time of the cores since the start of the machine, and what
// of it the hypervisor gave to others, in the kernel's unit; zero if unknown.
type ticks struct{ all, stolen int64 }

// build reads what the compiler wrote into the program.
func (m *Machine) build() {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	m.CGO, m.Race = set["CGO_ENABLED"] == "1", set["-race"] == "true"
	if m.Revision = set["vcs.revision"]; len(m.Revision) > 12 {
		m.Revision = m.Revision[:12]
	}
	if set["vcs.modified"] == "true" {
		m.Revision += "+"
	}
}

// InMemory tells whether nothing that is written to a filesystem reaches a
// disk, by its type.
func InMemory(filesystem string) bool {
	return filesystem == "tmpfs" || filesystem == "ramfs"
}

// known is a text, or a word for its absence.
func known(text string) string { return cmp.Or(text, "unknown") }
