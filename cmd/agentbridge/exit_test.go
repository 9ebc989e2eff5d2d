package main

import (
	"testing"

	"agentbridge"
)

// Scripts go by exit codes. Those of refusals that no script provokes are
// checked here.
func TestExitOf(t *testing.T) {
	for code, want := range map[agentbridge.Code]int{
		agentbridge.Expired:     exitAuth,
		agentbridge.Unreachable: exitUnreachable,
		agentbridge.RateLimited: exitFailed,
		agentbridge.Busy:        exitFailed,
		agentbridge.Unavailable: exitFailed,
		agentbridge.Closed:      exitFailed,
		agentbridge.Internal:    exitFailed,
		agentbridge.TooLarge:    exitUsage,
	} {
		if got := exitOf(code); got != want {
			t.Errorf("exit code of %s is %d, want %d", code, got, want)
		}
	}
}
