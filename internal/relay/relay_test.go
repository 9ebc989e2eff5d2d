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

func TestAccessContract(t *testing.T) {
	bridgetest.RunAccessContract(t, func(t *testing.T) bridgetest.As {
		b := bridgetest.New(t)
		return func(p agentbridge.Principal) agentbridge.Session {
			if p.Verified() {
				issued := hireAs(t, b, agentbridge.NewAgent{Name: p.Name, Roles: p.Roles, Scopes: p.Scopes})
				p = admit(t, b, issued.Token, p.Name)
			}
			s, err := b.Open(t.Context(), p)
			if err != nil {
				t.Fatalf("Open() = %v", err)
			}
			return s
		}
	})
}
