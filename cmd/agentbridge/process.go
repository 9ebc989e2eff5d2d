package main

import (
	"os"
	"os/signal"
	"runtime/debug"
)

// outliveSignals keeps the process from ending where a write fails anyway:
// when whoever read its stdout or stderr goes away, and at a limit for files,
// which to the store is a full disk.
func outliveSignals() { signal.Ignore(failingWrites...) }

// tuneMemory trades memory for time: the MCP SDK allocates much for each call
// and keeps little, so a larger heap saves most of the collector's work. The
// limit keeps it from growing into the machine's memory.
func tuneMemory() {
	debug.SetGCPercent(800)
	debug.SetMemoryLimit(512 << 20)
}

// executable is this program's path, for the demo, which starts it again.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return "agentbridge"
	}
	return path
}
