package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// binary is the agentbridge that all tests start.
var binary string

// TestMain builds it once, with the race detector if the tests have it. With
// AGENTBRIDGE_BINARY the tests break that program instead.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if binary = os.Getenv("AGENTBRIDGE_BINARY"); binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "agentbridge")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	build := []string{"build", "-o", binary}
	if raceEnabled {
		build = append(build, "-race")
	}
	if out, err := exec.Command("go", append(build, "../cmd/agentbridge")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go %v: %v\n%s", build, err, out)
		return 1
	}
	return m.Run()
}
