package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/store"
)

// wantAlive checks how long ago a seat's partner was heard of.
func wantAlive(t *testing.T, seat *bridgetest.Seat, age time.Duration, alive bool) {
	t.Helper()
	if p := seat.MustPartner(); p.Age != age || p.Alive != alive {
		t.Errorf("Partner() = heard of %v ago, alive %v; want %v, %v", p.Age, p.Alive, age, alive)
	}
}

func TestPartner_alive(t *testing.T) { // every call of a seat is a sign of life, and for 120 s
	for what, call := range map[string]func(b *bridgetest.Seat){
		"send":            func(b *bridgetest.Seat) { b.MustSend("hello") },
		"status":          func(b *bridgetest.Seat) { b.MustStatus(agentbridge.Complete) },
		"check":           func(b *bridgetest.Seat) { b.WantCheck("a message") },
		"an empty check":  func(b *bridgetest.Seat) { b.MustCheck(); b.WantCheck() },
		"partner's state": func(b *bridgetest.Seat) { b.MustPartner() },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := bridgetest.New(t).Pair("backend_developer", "frontend_developer")
				a.MustSend("a message")
				wantAlive(t, b, 0, true) // whoever created the conversation is there
				time.Sleep(time.Hour)
				wantAlive(t, a, time.Hour, false)
				call(b)
				wantAlive(t, a, 0, true)
				time.Sleep(119 * time.Second)
				wantAlive(t, a, 119*time.Second, true)
				time.Sleep(time.Second)
				wantAlive(t, a, 120*time.Second, false)
			})
		})
	}
}

func TestPartner_aliveWhilePolling(t *testing.T) { // polls write one heartbeat a second, not one each
	synctest.Test(t, func(t *testing.T) {
		a, b := bridgetest.New(t).Pair("backend_developer", "frontend_developer")
		for range 50 {
			b.WantCheck()
			if p := a.MustPartner(); !p.Alive || p.Age > time.Second {
				t.Fatalf("Partner() = heard of %v ago while it polls, alive %v", p.Age, p.Alive)
			}
			time.Sleep(300 * time.Millisecond)
		}
	})
}

// A refused caller must not keep a seat alive.
func TestPartner_refusedIsNoHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bridge := bridgetest.New(t)
		a, b := bridge.Pair("backend_developer", "frontend_developer")
		b.MustStatus(agentbridge.Working)
		time.Sleep(time.Minute)
		c := b.Credential
		c.Token = a.Credential.Token
		wantRefused(t, bridge, "a wrong token", agentbridge.Unauthenticated, c)
		wantAlive(t, a, time.Minute, true)
	})
}

func TestPartner_clockSetBack(t *testing.T) { // nobody was heard of in the future
	synctest.Test(t, clockSetBack)
}

func clockSetBack(t *testing.T) {
	bridge := bridgetest.New(t)
	a, b := bridge.Pair("backend_developer", "frontend_developer")
	err := bridge.Store.Update(t.Context(), func(tx store.Tx) error {
		c, _, err := tx.Channel(b.Credential.Conversation.Channel())
		if err != nil {
			return err
		}
		return tx.PutPresence(c, "b", store.Presence{HeartbeatAt: time.Now().Add(time.Hour)})
	})
	if err != nil {
		t.Fatal(err)
	}
	wantAlive(t, a, 0, true)
	time.Sleep(agentbridge.AliveFor) // whoever had it may be gone, and must not seem alive for an hour
	wantAlive(t, a, agentbridge.AliveFor, false)
	b.MustCheck()
	wantAlive(t, a, 0, true)
}

func TestPartner_statusStays(t *testing.T) {
	a, b := bridgetest.New(t).Pair("backend_developer", "frontend_developer")
	b.MustStatus(agentbridge.Blocked)
	b.MustSend("a heartbeat without a status")
	if p := a.MustPartner(); p.Status != agentbridge.Blocked {
		t.Errorf("Partner().Status = %q, want blocked", p.Status)
	}
	b.MustStatus(agentbridge.Working)
	if p := a.MustPartner(); p.Status != agentbridge.Working {
		t.Errorf("Partner().Status = %q, want working", p.Status)
	}
}

// A face that keeps its seat must not outlive the token it sat down with.
func TestSeat_endsWithItsConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := bridgetest.New(t).Pair("backend_developer", "frontend_developer")
		a.MustSend("before")
		time.Sleep(agentbridge.DefaultTTL)
		_, err := a.Send(t.Context(), agentbridge.SeatDraft{Text: "after"})
		if got := agentbridge.CodeOf(err); got != agentbridge.Expired {
			t.Errorf("Send after the conversation expired = %v, want code %s", err, agentbridge.Expired)
		}
		if _, err := b.Check(t.Context(), agentbridge.MaxReplyBytes); agentbridge.CodeOf(err) != agentbridge.Expired {
			t.Errorf("Check after the conversation expired = %v, want code %s", err, agentbridge.Expired)
		}
	})
}
