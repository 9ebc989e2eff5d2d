package bridgetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// RunJoinContract checks what every implementation of agentbridge.Session
// promises of invitations. Each call of open returns a session on a bridge that
// holds nothing yet, and shows creators their partner's token.
func RunJoinContract(t *testing.T, open func(t *testing.T) agentbridge.Session) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s agentbridge.Session)
	}{
		{"Join", testJoin},
		{"Join/wrong", testJoinWrong},
		{"Join/tries", testJoinTries},
		{"Join/at once", testJoinAtOnce},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// invited is a new conversation.
func invited(t *testing.T, s agentbridge.Session) agentbridge.NewConversation {
	t.Helper()
	n, err := s.CreateConversation(t.Context(), "backend_developer", "frontend_developer")
	if err != nil {
		t.Fatalf("CreateConversation() = %v", err)
	}
	return n
}

func testJoin(t *testing.T, s agentbridge.Session) {
	n := invited(t, s)
	if code, err := agentbridge.ParseInvite(string(n.Invite)); err != nil || code != n.Invite {
		t.Errorf("CreateConversation() = an invite in a form of its own: %v", err)
	}
	if left := time.Until(n.InviteExpires); left <= 0 || left > agentbridge.InviteLife {
		t.Errorf("CreateConversation() = an invite for another %v, want at most %v", left, agentbridge.InviteLife)
	}
	got, err := s.JoinConversation(t.Context(), n.Invite)
	if err != nil {
		t.Fatalf("JoinConversation() = %v", err)
	}
	if agentbridge.FormatTime(got.ExpiresAt) != agentbridge.FormatTime(n.ExpiresAt) {
		t.Errorf("JoinConversation() = open until %v, CreateConversation said %v", got.ExpiresAt, n.ExpiresAt)
	}
	got.ExpiresAt = n.ExpiresAt
	want := agentbridge.Joined{ID: n.ID, Seat: agentbridge.SeatB, Token: n.TokenB, Role: "frontend_developer", Partner: "backend_developer", ExpiresAt: n.ExpiresAt}
	if diff := cmp.Diff(want, got); diff != "" || n.TokenB == "" {
		t.Errorf("JoinConversation(): -want +got\n%s", diff)
	}
	_, err = s.JoinConversation(t.Context(), n.Invite) // it is used up
	WantErr(t, agentbridge.Unauthenticated, err)
}

func testJoinWrong(t *testing.T, s agentbridge.Session) { // nothing tells which invitations there are
	n, used := invited(t, s), invited(t, s)
	if _, err := s.JoinConversation(t.Context(), used.Invite); err != nil {
		t.Fatalf("JoinConversation() = %v", err)
	}
	sentences := map[string]bool{}
	for what, code := range map[string]agentbridge.Invite{
		"a used code":          used.Invite,
		"a wrong code":         WrongInvite(n.Invite, 0),
		"an unknown id":        otherInvite(n.Invite, used.Invite),
		"another one's digits": n.Invite[:4] + used.Invite[4:],
	} {
		_, err := s.JoinConversation(t.Context(), code)
		if agentbridge.CodeOf(err) != agentbridge.Unauthenticated {
			t.Errorf("JoinConversation(%s) = %v, want it refused as %s", what, err, agentbridge.Unauthenticated)
			continue
		}
		sentences[err.Error()] = true
	}
	if len(sentences) != 1 {
		t.Errorf("JoinConversation() = %d different sentences, want one: %v", len(sentences), sentences)
	}
	if _, err := s.JoinConversation(t.Context(), n.Invite); err != nil {
		t.Errorf("JoinConversation() after others' guesses = %v", err)
	}
}

func testJoinTries(t *testing.T, s agentbridge.Session) { // the fifth wrong code ends it, whoever gave it
	patient, attacked := invited(t, s), invited(t, s)
	for i := range agentbridge.InviteTries {
		_, err := s.JoinConversation(t.Context(), WrongInvite(attacked.Invite, i))
		WantErr(t, agentbridge.Unauthenticated, err)
		if i < agentbridge.InviteTries-1 {
			_, err = s.JoinConversation(t.Context(), WrongInvite(patient.Invite, i))
			WantErr(t, agentbridge.Unauthenticated, err)
		}
	}
	_, err := s.JoinConversation(t.Context(), attacked.Invite)
	WantErr(t, agentbridge.Unauthenticated, err)
	if _, err := s.JoinConversation(t.Context(), patient.Invite); err != nil {
		t.Errorf("JoinConversation() after %d wrong codes = %v", agentbridge.InviteTries-1, err)
	}
}

func testJoinAtOnce(t *testing.T, s agentbridge.Session) {
	n := invited(t, s)
	var joined atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := s.JoinConversation(t.Context(), n.Invite)
			if err == nil {
				joined.Add(1)
			} else {
				WantErr(t, agentbridge.Unauthenticated, err)
			}
		})
	}
	wg.Wait()
	if n := joined.Load(); n != 1 {
		t.Errorf("%d of 8 joined with one code, want 1", n)
	}
}

// WrongInvite is a code for an invitation that does not admit; different ones
// for different i below 31.
func WrongInvite(right agentbridge.Invite, i int) agentbridge.Invite {
	return right[:len(right)-1] + turn(right[len(right)-1], i+1)
}

// otherInvite is a code for an invitation that is none of these.
func otherInvite(these ...agentbridge.Invite) agentbridge.Invite {
	other := these[0]
	for i := range these { // of so many other first digits one is free
		other = turn(these[0][0], i+1) + these[0][1:]
		free := true
		for _, c := range these {
			free = free && c.ID() != other.ID()
		}
		if free {
			break
		}
	}
	return other
}

// turn is the digit that many behind one.
func turn(digit byte, by int) agentbridge.Invite {
	for i := range agentbridge.InviteDigits {
		if agentbridge.InviteDigits[i] == digit {
			return agentbridge.Invite(agentbridge.InviteDigits[(i+by)%len(agentbridge.InviteDigits)])
		}
	}
	panic("not a digit of an invite")
}
