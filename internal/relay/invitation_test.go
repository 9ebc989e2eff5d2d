package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"

	"github.com/google/go-cmp/cmp"
)

func TestJoinContract(t *testing.T) {
	bridgetest.RunJoinContract(t, func(t *testing.T) agentbridge.Session { return bridgetest.New(t).Session() })
}

// known is a principal with a name.
func known(name agentbridge.AgentName, role agentbridge.AccessRole) agentbridge.Principal {
	return agentbridge.Principal{Name: name, Roles: []agentbridge.AccessRole{role}, Scopes: agentbridge.Local().Scopes}
}

func as(t *testing.T, b *bridgetest.Bridge, p agentbridge.Principal) agentbridge.Session {
	t.Helper()
	s, err := b.Open(t.Context(), p)
	if err != nil {
		t.Fatalf("Open(%s) = %v", p.Name, err)
	}
	return s
}

func create(t *testing.T, s agentbridge.Session) agentbridge.NewConversation {
	t.Helper()
	n, err := s.CreateConversation(t.Context(), "backend_developer", "frontend_developer")
	if err != nil {
		t.Fatalf("CreateConversation() = %v", err)
	}
	return n
}

func join(t *testing.T, s agentbridge.Session, code agentbridge.Invite) agentbridge.Joined {
	t.Helper()
	j, err := s.JoinConversation(t.Context(), code)
	if err != nil {
		t.Fatalf("JoinConversation() = %v", err)
	}
	return j
}

func wantNoEntry(t *testing.T, what string, s agentbridge.Session, code agentbridge.Invite) {
	t.Helper()
	j, err := s.JoinConversation(t.Context(), code)
	if agentbridge.CodeOf(err) != agentbridge.Unauthenticated || j.Token != "" {
		t.Errorf("JoinConversation(%s) = %v, want it refused as %s", what, err, agentbridge.Unauthenticated)
	}
}

// written returns the audit entries of a conversation, oldest first.
func written(t *testing.T, b *bridgetest.Bridge, id agentbridge.ConversationID) (lines []string) {
	t.Helper()
	page, err := b.Operator().Entries(t.Context(), agentbridge.EntryQuery{Target: id.Channel(), Limit: agentbridge.MaxEntries})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(page.Entries) {
		lines = append(lines, fmt.Sprintf("%s %s %s", e.Actor, e.Action, e.Detail))
	}
	return lines
}

// The whole way of an invitation where creators don't see their partner's token.
func TestJoin_inviteOnly(t *testing.T) {
	b := bridgetest.Open(t, t.TempDir(), relay.Options{InviteOnly: true})
	n := create(t, b.Session())
	if n.TokenB != "" || n.TokenA == "" || n.Invite == "" {
		t.Fatalf("CreateConversation() = tokens of %d and %d characters, invite of %d; want one token and an invite", len(n.TokenA), len(n.TokenB), len(n.Invite))
	}
	a := b.MustSit(agentbridge.SeatCredential{Conversation: n.ID, Seat: agentbridge.SeatA, Token: n.TokenA})
	if p := a.MustPartner(); p.Alive || !p.LastHeartbeat.IsZero() {
		t.Errorf("Partner() before anybody joined = %+v, want it never seen", p)
	}
	a.MustSend("are you there?")
	// The creator has nothing that admits to the partner's seat.
	for what, token := range map[string]agentbridge.Token{"its own token": n.TokenA, "no token": "", "the code": agentbridge.Token(n.Invite)} {
		wantRefused(t, b, what, agentbridge.Unauthenticated, agentbridge.SeatCredential{Conversation: n.ID, Seat: agentbridge.SeatB, Token: token})
	}

	j := join(t, b.Session(), n.Invite)
	if p := a.MustPartner(); !p.Alive {
		t.Errorf("Partner() after it joined = %+v, want it alive", p)
	}
	partner := b.MustSit(agentbridge.SeatCredential{Conversation: j.ID, Seat: j.Seat, Token: j.Token})
	partner.WantCheck("are you there?")
	partner.MustSend("yes")
	a.WantCheck("yes")
	want := []string{
		`a create_conversation {"role_a":"backend_developer","role_b":"frontend_developer"}`,
		`a send`,
		`local refused {"not_written_before":0,"reason":"wrong token","seat":"b"}`,
		`b join_conversation {"seat":"b"}`,
		`b check_messages {"count":1,"remaining":0}`,
	}
	got := written(t, b, n.ID)
	for i, line := range got {
		if strings.HasPrefix(line, "a send ") {
			got[i] = "a send"
		}
	}
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("audit log: -want +got\n%s", diff)
	}
}

// Where creators see both tokens, as reference A's clients expect, the partner's
// still admits after somebody has joined.
func TestJoin_bothTokens(t *testing.T) {
	b := bridgetest.New(t)
	n := create(t, b.Session())
	j := join(t, b.Session(), n.Invite)
	if j.Token != n.TokenB {
		t.Error("JoinConversation() = another token than the creator was shown")
	}
	b.MustSit(agentbridge.SeatCredential{Conversation: n.ID, Seat: agentbridge.SeatB, Token: n.TokenB})
}

func TestJoin_late(t *testing.T) {
	for _, c := range []struct{ ttl, want time.Duration }{
		{3 * time.Hour, 10 * time.Minute},
		{time.Minute, time.Minute}, // never longer than the conversation
	} {
		synctest.Test(t, func(t *testing.T) {
			b := bridgetest.Open(t, t.TempDir(), relay.Options{ConversationTTL: c.ttl})
			early, late := create(t, b.Session()), create(t, b.Session())
			if got := time.Until(late.InviteExpires); got != c.want {
				t.Errorf("of a conversation of %v: the invite admits for %v, want %v", c.ttl, got, c.want)
			}
			time.Sleep(c.want - time.Microsecond)
			join(t, b.Session(), early.Invite)
			time.Sleep(time.Microsecond)
			wantNoEntry(t, "too late", b.Session(), late.Invite)
			if c.ttl > c.want { // the conversation is still there for whoever has its token
				b.MustSit(agentbridge.SeatCredential{Conversation: late.ID, Seat: agentbridge.SeatB, Token: late.TokenB})
			}
			if got := written(t, b, late.ID); !slices.Contains(got, `local refused {"not_written_before":0,"reason":"expired invite","seat":"b"}`) {
				t.Errorf("audit log: %q, want the late one in it", got)
			}
		})
	}
}

// Who asks for conversations and never has anybody join them leaves nothing.
func TestCreateConversation_dropsOldInvitations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		old := create(t, b.Session())
		time.Sleep(agentbridge.InviteLife + time.Microsecond)
		fresh := create(t, b.Session())
		err := b.Store.View(t.Context(), func(v store.Reader) error {
			for n, want := range map[agentbridge.Invite]bool{old.Invite: false, fresh.Invite: true} {
				i, kept, err := v.Invitation(n.ID())
				if err != nil || kept != want {
					t.Errorf("Invitation(%s) = %+v, %v, %v; want it kept: %v", n.ID(), i, kept, err, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Somebody saw the first digits of a code and guesses the others, in several
// processes and through a restart. The tries count although each is refused.
func TestJoin_guessed(t *testing.T) {
	one := bridgetest.New(t)
	two := bridgetest.Open(t, one.Dir, relay.Options{})
	n := create(t, one.Session())
	for i := range 2 {
		wantNoEntry(t, "a guess", one.Session(), bridgetest.WrongInvite(n.Invite, i))
		wantNoEntry(t, "a guess elsewhere", two.Session(), bridgetest.WrongInvite(n.Invite, i))
	}
	one.Close()
	one = bridgetest.Open(t, one.Dir, relay.Options{})
	wantNoEntry(t, "the fifth guess", one.Session(), bridgetest.WrongInvite(n.Invite, 4))
	wantNoEntry(t, "the right code, after that", two.Session(), n.Invite)
	want := []string{
		`local refused {"not_written_before":0,"reason":"wrong invite","seat":"b"}`, // through one,
		`local refused {"not_written_before":0,"reason":"wrong invite","seat":"b"}`, // through two,
		`local refused {"not_written":1,"reason":"wrong invite","seat":"b"}`,        // through one, which closed,
		`local refused {"reason":"too many wrong codes: the invitation has ended","seat":"b","tries":5}`,
		`local refused {"not_written_before":0,"reason":"wrong invite","seat":"b"}`, // and through one again
	}
	if diff := cmp.Diff(want, written(t, one, n.ID)[1:]); diff != "" {
		t.Errorf("audit log: -want +got\n%s", diff)
	}
	b := one.MustSit(agentbridge.SeatCredential{Conversation: n.ID, Seat: agentbridge.SeatB, Token: n.TokenB})
	b.MustSend("the conversation itself is unharmed")
}

// Guesses that come at once are counted as well as those that come in turn.
func TestJoin_guessedAtOnce(t *testing.T) {
	b := bridgetest.Unlimited(t)
	n := create(t, b.Session())
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() { wantNoEntry(t, "a guess", b.Session(), bridgetest.WrongInvite(n.Invite, i)) })
	}
	wg.Wait()
	wantNoEntry(t, "the right code, after that", b.Session(), n.Invite)
	ends := 0
	for _, line := range written(t, b, n.ID) {
		if strings.Contains(line, "too many wrong codes") {
			ends++
		}
	}
	if ends != 1 {
		t.Errorf("the invitation ended %d times, want once", ends)
	}
}

// Two processes come with one code: exactly one is let in, and with names the
// seat is that one's.
func TestJoin_race(t *testing.T) {
	one := bridgetest.Unlimited(t)
	doors := []*bridgetest.Bridge{one, bridgetest.Open(t, one.Dir, relay.Options{Limits: limit.Off()})}
	for range 5 {
		n := create(t, one.Session())
		var winners atomic.Int64
		var wg sync.WaitGroup
		for i := range 6 {
			name := agentbridge.AgentName(fmt.Sprint("agent", i))
			s := as(t, doors[i%2], known(name, agentbridge.RoleMember))
			wg.Go(func() {
				switch _, err := s.JoinConversation(t.Context(), n.Invite); agentbridge.CodeOf(err) {
				case "":
					winners.Add(1)
				case agentbridge.Unauthenticated:
				default:
					t.Errorf("JoinConversation() = %v", err)
				}
			})
		}
		wg.Wait()
		sitting := 0
		for i := range 6 {
			p := known(agentbridge.AgentName(fmt.Sprint("agent", i)), agentbridge.RoleMember)
			if _, err := one.Sit(t.Context(), p, agentbridge.SeatCredential{Conversation: n.ID, Seat: agentbridge.SeatB}); err == nil {
				sitting++
			}
		}
		if winners.Load() != 1 || sitting != 1 {
			t.Errorf("%d were let in and %d have the seat, want one", winners.Load(), sitting)
		}
	}
}

// Somebody tries codes as fast as he can. He is told to come back later, whether
// there are such invitations or not, and keeps nobody out.
func TestJoin_guessingLocksNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Open(t, t.TempDir(), relay.Options{Limits: limits(t, "auth_failure=3/m")})
		n, other, third := create(t, b.Session()), create(t, b.Session()), create(t, b.Session())
		join(t, b.Session(), third.Invite)
		for range 3 {
			wantNoEntry(t, "a used code", b.Session(), third.Invite)
		}
		for what, code := range map[string]agentbridge.Invite{"a used code": third.Invite, "a wrong code": bridgetest.WrongInvite(other.Invite, 0)} {
			_, err := b.Session().JoinConversation(t.Context(), code)
			wantLimited(t, what, err)
		}
		_, err := b.Sit(t.Context(), agentbridge.Local(), agentbridge.SeatCredential{Conversation: n.ID, Seat: agentbridge.SeatA, Token: n.TokenB})
		wantLimited(t, "a wrong token", err)
		wantNoEntry(t, "what an agent with a name tries", as(t, b, known("alice", agentbridge.RoleMember)), third.Invite)
		join(t, b.Session(), n.Invite) // a right one takes nothing
		for i := range 4 {             // what is told to come back later counts as a try
			_, err := b.Session().JoinConversation(t.Context(), bridgetest.WrongInvite(other.Invite, i+1))
			wantLimited(t, "a wrong code", err)
		}
		_, err = b.Session().JoinConversation(t.Context(), other.Invite)
		wantLimited(t, "a right code after five wrong ones", err)
	})
}

// Codes that nothing is known of are written down, but not one by one.
func TestJoin_unknownIsWrittenOnce(t *testing.T) {
	b := bridgetest.New(t)
	used := create(t, b.Session())
	join(t, b.Session(), used.Invite)
	before := lastEntry(t, b)
	for range 20 {
		wantNoEntry(t, "a used code", b.Session(), used.Invite)
	}
	wantNoEntry(t, "what was never parsed", b.Session(), "")
	var got []string
	for _, e := range entries(t, b, before) {
		got = append(got, fmt.Sprintf("%s %s %q %s", e.Actor, e.Action, e.Target, e.Detail))
	}
	want := []string{`local refused "" {"not_written_before":0,"reason":"unknown invite","seat":""}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit log: -want +got\n%s", diff)
	}
}

// Two seats of one agent are no conversation: its partner's code stays whole.
func TestJoin_byItsCreator(t *testing.T) {
	b := bridgetest.New(t)
	alice, bob := as(t, b, known("alice", agentbridge.RoleMember)), as(t, b, known("bob", agentbridge.RoleMember))
	n := create(t, alice)
	for range agentbridge.InviteTries + 1 {
		_, err := alice.JoinConversation(t.Context(), n.Invite)
		bridgetest.WantErr(t, agentbridge.Forbidden, err)
	}
	join(t, bob, n.Invite)
	want := []string{
		`alice create_conversation {"role_a":"backend_developer","role_b":"frontend_developer","verified":true}`,
		`alice refused {"not_written_before":0,"reason":"invite of its own conversation","seat":"b","verified":true}`,
		`bob join_conversation {"seat":"b","verified":true}`,
	}
	if diff := cmp.Diff(want, written(t, b, n.ID)); diff != "" {
		t.Errorf("audit log: -want +got\n%s", diff)
	}
}

// A seat that an agent took is its own: others don't get there even with its
// token, and it needs none.
func TestSit_ownedSeats(t *testing.T) {
	b := bridgetest.New(t)
	alice, bob := known("alice", agentbridge.RoleMember), known("bob", agentbridge.RoleMember)
	n := create(t, as(t, b, alice))
	j := join(t, as(t, b, bob), n.Invite)
	open := create(t, b.Session()) // belongs to whoever has its tokens
	const unknown = agentbridge.ConversationID("conv_0123456789abcdef")
	sentences := map[string]bool{}
	for _, c := range []struct {
		who   agentbridge.Principal
		id    agentbridge.ConversationID
		seat  agentbridge.Seat
		token agentbridge.Token
		sits  bool
	}{
		{alice, n.ID, "a", "", true},
		{alice, n.ID, "a", n.TokenA, true},
		{alice, n.ID, "a", n.TokenB, false}, // a token that is given must be right
		{alice, n.ID, "b", "", false},
		{alice, n.ID, "b", j.Token, false},
		{bob, n.ID, "b", "", true},
		{bob, n.ID, "b", j.Token, true},
		{bob, n.ID, "a", n.TokenA, false},
		{bob, n.ID, "a", "", false},
		{agentbridge.Local(), n.ID, "a", n.TokenA, false}, // stolen
		{agentbridge.Local(), n.ID, "b", j.Token, false},
		{agentbridge.Local(), n.ID, "b", "", false},
		{known("mallory", agentbridge.RoleAdmin), n.ID, "a", n.TokenA, false},
		{alice, n.ID, "c", "", false},
		{alice, n.ID, "", "", false},
		{alice, unknown, "a", "", false},
		{alice, open.ID, "a", "", false},
		{alice, open.ID, "a", open.TokenA, true},
		{agentbridge.Local(), open.ID, "a", open.TokenA, true},
		{agentbridge.Local(), open.ID, "a", "", false},
	} {
		cred := agentbridge.SeatCredential{Conversation: c.id, Seat: c.seat, Token: c.token}
		_, err := b.Sit(t.Context(), c.who, cred)
		if (err == nil) != c.sits || err != nil && agentbridge.CodeOf(err) != agentbridge.Unauthenticated {
			t.Errorf("Sit(%q, %s, seat %s, token of %d) = %v, want it to sit: %v", c.who.Name, c.id, c.seat, len(c.token), err, c.sits)
		}
		if err != nil {
			sentences[err.Error()] = true
		}
	}
	if len(sentences) != 1 {
		t.Errorf("Sit() = %d different sentences, want one: %v", len(sentences), sentences)
	}
}

// A token that was found somewhere is of no use to who may not converse, and
// tells him nothing about its conversation.
func TestSit_byWhoMayNot(t *testing.T) {
	b := bridgetest.New(t)
	n := create(t, b.Session())
	victor := known("victor", agentbridge.RoleViewer)
	sentences := map[string]bool{}
	for what, cred := range map[string]agentbridge.SeatCredential{
		"a stolen token":          {Conversation: n.ID, Seat: agentbridge.SeatA, Token: n.TokenA},
		"a wrong token":           {Conversation: n.ID, Seat: agentbridge.SeatA, Token: n.TokenB},
		"an unknown conversation": {Conversation: "conv_0123456789abcdef", Seat: agentbridge.SeatA, Token: n.TokenA},
	} {
		_, err := b.Sit(t.Context(), victor, cred)
		if agentbridge.CodeOf(err) != agentbridge.Forbidden {
			t.Errorf("Sit(%s) = %v, want it refused as %s", what, err, agentbridge.Forbidden)
			continue
		}
		sentences[err.Error()] = true
	}
	if len(sentences) != 1 {
		t.Errorf("Sit() = %d different sentences, want one: %v", len(sentences), sentences)
	}
	s := as(t, b, victor)
	_, err := s.CreateConversation(t.Context(), "backend_developer", "frontend_developer")
	bridgetest.WantErr(t, agentbridge.Forbidden, err)
	_, err = s.JoinConversation(t.Context(), n.Invite)
	bridgetest.WantErr(t, agentbridge.Forbidden, err)
	if got := written(t, b, n.ID); len(got) != 1 {
		t.Errorf("audit log of the conversation: %q, want its creation only", got)
	}
	join(t, b.Session(), n.Invite) // it is not used up
}

// An agent is revoked while it sits: its seats end with its credential.
func TestSeat_endsWithItsPrincipal(t *testing.T) {
	b := bridgetest.New(t)
	life, revoke := context.WithCancelCause(t.Context())
	alice := known("alice", agentbridge.RoleMember)
	alice.Life = life
	n := create(t, as(t, b, alice))
	cred := agentbridge.SeatCredential{Conversation: n.ID, Seat: agentbridge.SeatA}
	s, err := b.Sit(t.Context(), alice, cred)
	if err != nil {
		t.Fatalf("Sit() = %v", err)
	}
	a := bridgetest.NewSeat(t, s)
	a.MustSend("before")
	a.MustPartner()
	revoke(agentbridge.Refuse(agentbridge.Unauthenticated, "", "was revoked"))

	_, sendErr := a.Send(t.Context(), agentbridge.SeatDraft{Text: "after", ActionType: "info"})
	_, checkErr := a.Check(t.Context(), agentbridge.MaxReplyBytes)
	_, partnerErr := a.Partner(t.Context())
	_, sitErr := b.Sit(t.Context(), alice, cred)
	for what, err := range map[string]error{"Send": sendErr, "Check": checkErr, "Partner": partnerErr, "SetStatus": a.SetStatus(t.Context(), agentbridge.Working), "Sit": sitErr} {
		if e, ok := errors.AsType[*agentbridge.Error](err); !ok || e.Code != agentbridge.Unauthenticated || e.Message != "was revoked" {
			t.Errorf("%s after the credential ended = %v, want it refused for that", what, err)
		}
	}
	join(t, b.Session(), n.Invite) // others may go on
}
