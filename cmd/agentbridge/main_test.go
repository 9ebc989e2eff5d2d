package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be agentbridge: for scripts, which call it by
// name, and for tests that start it as a process with this variable set.
func TestMain(m *testing.M) {
	if os.Getenv("AGENTBRIDGE_TEST_MAIN") == "1" {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"agentbridge": main})
}
