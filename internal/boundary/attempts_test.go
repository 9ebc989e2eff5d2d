package boundary_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge/internal/boundary"
)

// gate is a Boundary on the bubble's clock, asked without a network.
type gate struct {
	t *testing.T
	b *boundary.Boundary
	h http.Handler
}

func newGate(t *testing.T) *gate {
	b := boundary.New(boundary.Options{Token: token})
	return &gate{t, b, b.Wrap(http.HandlerFunc(reached))}
}

// ask asks for /api/state from an address with a header, "" for none.
func (g *gate) ask(address, name, value string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://localhost/api/state", nil)
	r.RemoteAddr = address
	if name != "" {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	g.h.ServeHTTP(w, r)
	return w
}

func (g *gate) want(status int, address, token string) *httptest.ResponseRecorder {
	g.t.Helper()
	w := g.ask(address, "Authorization", "Bearer "+token)
	if w.Code != status {
		g.t.Fatalf("from %s: got %d %s, want %d", address, w.Code, w.Body, status)
	}
	return w
}

const (
	attacker = "192.0.2.66:5"
	neighbor = "192.0.2.7:5"
)

func TestAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		for range 10 {
			g.want(401, attacker, "wrong")
		}
		w := g.want(429, attacker, "wrong")
		if got := w.Header().Get("Retry-After"); got != "6" {
			t.Errorf("Retry-After is %q, want 6", got)
		}
		if want := `{"error":"too many failed attempts to authenticate from this address: try again in 6 s"}` + "\n"; w.Body.String() != want {
			t.Errorf("got %s, want %s", w.Body, want)
		}
		g.want(429, attacker, token) // a right guess is worth nothing
		g.want(200, neighbor, token)

		// One more every six seconds, not earlier and not two.
		time.Sleep(6*time.Second - time.Nanosecond)
		if got := g.want(429, attacker, "wrong").Header().Get("Retry-After"); got != "1" {
			t.Errorf("Retry-After is %q, want 1", got)
		}
		time.Sleep(time.Nanosecond)
		g.want(401, attacker, "wrong")
		g.want(429, attacker, "wrong")
		time.Sleep(6 * time.Second)
		g.want(200, attacker, token)

		// After a minute the whole budget is back, and no more than that.
		time.Sleep(time.Hour + time.Minute)
		for range 10 {
			g.want(401, attacker, "wrong")
		}
		g.want(429, attacker, "wrong")
	})
}

// An agent with an old token asks again and again from 127.0.0.1. The others there go on working.
func TestAttempts_goodNeighborAtTheSameAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		const both = "127.0.0.1:5"
		hammer := func(d time.Duration) { // leaves nothing of the budget
			for range 10 {
				g.ask(both, "Authorization", "Bearer old")
			}
			for range d / (3 * time.Second) {
				time.Sleep(3 * time.Second)
				g.ask(both, "Authorization", "Bearer old")
			}
			g.want(429, both, "old")
		}
		g.want(200, both, token)
		for range 3 {
			hammer(58 * time.Minute) // nothing but the old one all the time
			g.want(200, both, token)
			g.want(429, both, "old")
		}
		// An hour after it was last seen it is one like all.
		hammer(61 * time.Minute)
		g.want(429, both, token)
	})
}

func TestAttempts_whatCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		for range 50 { // no credentials, others' and sessions that ended are no guesses
			for _, h := range [][2]string{{"", ""}, {"Authorization", "Basic eDp5"}, {"Authorization", "Bearer"}, {"Cookie", "agentbridge_session=gone"}} {
				if w := g.ask(attacker, h[0], h[1]); w.Code != 401 {
					t.Fatalf("%q: got %d, want 401", h, w.Code)
				}
			}
		}
		for range 10 {
			g.want(401, attacker, "wrong")
		}
		g.want(429, attacker, "wrong")
		if w := g.ask(attacker, "", ""); w.Code != 401 {
			t.Errorf("without credentials: got %d, want 401", w.Code)
		}
	})
}

func TestAttempts_addresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		for i := range 10 { // of IPv6 a /64 is one address
			g.want(401, fmt.Sprintf("[2001:db8:0:1:%x::1]:%d", i, i+1), "wrong")
		}
		g.want(429, "[2001:db8:0:1:ffff::2]:5", "wrong")
		g.want(401, "[2001:db8:0:2::1]:5", "wrong")
		for i := range 10 { // the same IPv4 address in two dresses
			g.want(401, []string{"192.0.2.1:5", "[::ffff:192.0.2.1]:5"}[i%2], "wrong")
		}
		g.want(429, "192.0.2.1:6", "wrong")
		g.want(401, "192.0.2.2:5", "wrong")
	})
}

// A hundred guesses at once are no more than ten.
func TestAttempts_atOnce(t *testing.T) {
	g := newGate(t)
	var tried atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if g.ask(attacker, "Authorization", "Bearer wrong").Code == 401 {
				tried.Add(1)
			}
		})
	}
	wg.Wait()
	if n := tried.Load(); n != 10 {
		t.Errorf("%d guesses were looked at, want 10", n)
	}
}

// Somebody with a great many addresses fills the memory, but not beyond its bound, and can't use that to be
// forgotten: those who have the most left to wait stay.
func TestAttempts_memory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		for range 10 {
			g.want(401, attacker, "wrong")
		}
		for i := range boundary.MaxAddresses * 3 / 2 {
			g.ask("10."+strconv.Itoa(i>>16)+"."+strconv.Itoa(i>>8&255)+"."+strconv.Itoa(i&255)+":5", "Authorization", "Bearer wrong")
			if n := g.b.Addresses(); n > boundary.MaxAddresses {
				t.Fatalf("%d addresses are remembered, want at most %d", n, boundary.MaxAddresses)
			}
		}
		g.want(429, attacker, token)
		time.Sleep(time.Hour) // all are whole again
		for i := range boundary.MaxAddresses {
			g.ask("11."+strconv.Itoa(i>>16)+"."+strconv.Itoa(i>>8&255)+"."+strconv.Itoa(i&255)+":5", "Authorization", "Bearer "+token)
		}
		if n := g.b.Addresses(); n > boundary.MaxAddresses {
			t.Fatalf("%d addresses are remembered, want at most %d", n, boundary.MaxAddresses)
		}
		g.want(401, attacker, "wrong")
	})
}
