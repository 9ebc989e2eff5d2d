package relay_test

import (
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
)

func TestContract(t *testing.T) {
	bridgetest.RunContract(t, func(t *testing.T) agentbridge.Session { return bridgetest.New(t).Session() })
}

func TestSeatContract(t *testing.T) {
	bridgetest.RunSeatContract(t, func(t *testing.T) (a, b agentbridge.SeatSession) {
		return bridgetest.Unlimited(t).Pair("backend_developer", "frontend_developer")
	})
}
