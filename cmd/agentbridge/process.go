package main

import (
	"os"
	"os/signal"
)

// outliveSignals keeps the process from ending where a write fails anyway:
// when whoever read its stdout or stderr goes away, and at a limit for files,
// which to the store is a full disk.
func outliveSignals() { signal.Ignore(failingWrites...) }

// executable is this program's path, for the demo, which starts it again.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return "agentbridge"
	}
	return path
}
