package mcpserver

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
)

// processOn is a server of one client's own, as stdio is, on a bridge.
func processOn(t *testing.T, bridge *bridgetest.Bridge) *client {
	t.Helper()
	server := New(bridge, Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Principal: local, KeepTokens: true})
	h := &hall{&bench{t: t, transports: server.transports}, bridge}
	return h.enter(doors[0])
}

func inviteOnly(t *testing.T) *bridgetest.Bridge {
	t.Helper()
	return bridgetest.Open(t, t.TempDir(), relay.Options{InviteOnly: true, Limits: limit.Off()})
}

var newRoles = args{"my_role": "backend_developer", "partner_role": "frontend \"developer\""}

// seatOf are the credentials of a seat without a token.
func seatOf(a answer, seat string) args {
	return args{"conversation_id": a.str("conversation_id"), "session_id": seat}
}

var anyToken = regexp.MustCompile(`[0-9a-f]{64}`)

// wantNoToken checks that a model that reads the answer has seen no token.
func wantNoToken(t *testing.T, what string, a answer) {
	t.Helper()
	if all := a.text + encode(a.data); anyToken.MatchString(all) {
		t.Errorf("%s shows a token: %s", what, all)
	}
}

// Two agents with processes of their own talk, and neither model sees a token.
func TestInvite_noTokenEntersAModel(t *testing.T) {
	bridge := inviteOnly(t)
	alice, bob := processOn(t, bridge), processOn(t, bridge)
	made := alice.must("create_conversation", newRoles)
	wantNoToken(t, "create_conversation", made)
	wantMatch(t, "invite", made.str("invite"), `^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`)
	for _, part := range []string{made.str("conversation_id"), made.str("invite"), made.str("invite_expires_at"), "leave it out"} {
		if !strings.Contains(made.text, part) {
			t.Errorf("create_conversation does not say %q: %s", part, made.text)
		}
	}
	a := seatOf(made, "a")
	alice.must("send_to_partner", with(a, args{"message": "are you there?"}))
	alice.refused("check_messages", seatOf(made, "b"), "token: is required")

	joined := bob.must("join_conversation", args{"invite": strings.ToLower(made.str("invite"))})
	wantNoToken(t, "join_conversation", joined)
	if joined.str("conversation_id") != made.str("conversation_id") || joined.str("session_id") != "b" ||
		joined.str("role") != `frontend "developer"` || joined.str("partner_role") != "backend_developer" || joined.str("expires_at") != made.str("expires_at") {
		t.Errorf("join_conversation = %v", joined.data)
	}
	if !strings.Contains(joined.text, `session b ("frontend \"developer\"")`) {
		t.Errorf("join_conversation = %q, want the role in quotes", joined.text)
	}
	b := seatOf(joined, joined.str("session_id"))
	got := bob.must("check_messages", with(b, args{"token": nil})) // many clients send null for what they leave out
	if texts := got.column("messages", "message"); len(texts) != 1 || texts[0] != "are you there?" {
		t.Errorf("check_messages = %q", texts)
	}
	bob.must("send_to_partner", with(b, args{"message": "yes"}))
	for what, said := range map[string]answer{
		"check_messages":       alice.must("check_messages", a),
		"update_my_status":     alice.must("update_my_status", with(a, args{"status": "working"})),
		"check_partner_status": alice.must("check_partner_status", a),
	} {
		wantNoToken(t, what, said)
	}
	// What one process keeps is of no use to another.
	carol := processOn(t, bridge)
	carol.refused("check_messages", a, "token: is required")
	bob.refused("check_messages", a, "token: is required")
	carol.refused("join_conversation", args{"invite": made.str("invite")}, "invite: does not admit", "new conversation")
}

// Reference A's clients look for both tokens and pass them on.
func TestInvite_bothTokens(t *testing.T) {
	bridge := bridgetest.Unlimited(t)
	h := newHallOn(t, bridge)
	h.serve()
	far := h.enter(doors[2])
	for what, c := range map[string]*client{"stdio": processOn(t, bridge), "http": far} {
		made := c.must("create_conversation", newRoles)
		for _, seat := range []string{"a", "b"} {
			token := made.str("session_" + seat + "_token")
			wantMatch(t, what+": session_"+seat+"_token", token, "^"+anyToken.String()+"$")
			if !strings.Contains(made.text, token) {
				t.Errorf("%s: create_conversation does not say the token of %s: %s", what, seat, made.text)
			}
			c.must("check_messages", with(seatOf(made, seat), args{"token": token}))
		}
		if what == "stdio" {
			c.must("check_messages", seatOf(made, "a"))
			c.must("check_messages", seatOf(made, "b"))
		} else {
			c.refused("check_messages", seatOf(made, "a"), "token: is required: this bridge does not keep it")
		}
		// Whoever joins is given the same token; a process keeps it for its model.
		joined := processOn(t, bridge).must("join_conversation", args{"invite": made.str("invite")})
		wantNoToken(t, what+": join_conversation over stdio", joined)
	}
	made := far.must("create_conversation", newRoles)
	joined := far.must("join_conversation", args{"invite": made.str("invite")})
	if token := joined.str("session_b_token"); token != made.str("session_b_token") || !strings.Contains(joined.text, token) {
		t.Errorf("join_conversation over http = %v, want the token that its creator was shown", joined.data)
	}
}

// A server for many clients keeps nothing: one could use what another was given.
func TestInvite_onlyOverHTTP(t *testing.T) {
	bridge := inviteOnly(t)
	h := newHallOn(t, bridge)
	h.serve()
	alice, bob := h.enter(doors[2]), h.enter(doors[4])
	made := alice.must("create_conversation", newRoles)
	if made.str("session_a_token") == "" || made.data["session_b_token"] != nil {
		t.Errorf("create_conversation = %v, want the creator's token only", made.data)
	}
	joined := bob.must("join_conversation", args{"invite": made.str("invite")})
	token := joined.str("session_b_token")
	bob.must("check_messages", with(seatOf(made, "b"), args{"token": token}))
	bob.refused("check_messages", seatOf(made, "b"), "token: is required")
	alice.refused("check_messages", with(seatOf(made, "b"), args{"token": made.str("session_a_token")}), "token: does not admit")
}

// A token that is given counts, also where a right one is kept.
func TestInvite_aGivenTokenCounts(t *testing.T) {
	bridge := bridgetest.Unlimited(t)
	c := processOn(t, bridge)
	made := c.must("create_conversation", newRoles)
	a := seatOf(made, "a")
	for _, token := range []any{strings.Repeat("0", 64), made.str("session_b_token")} {
		c.refused("check_messages", with(a, args{"token": token}), "token: does not admit")
	}
	for _, token := range []any{"", "x", made.str("invite")} {
		c.refused("check_messages", with(a, args{"token": token}), "token: must be the 64 hex digits")
	}
	c.refused("check_messages", with(a, args{"token": 7}), "token: must be a string")
	c.must("check_messages", a)
}

func TestInvite_refusals(t *testing.T) {
	h := newHall(t)
	c := h.enter(doors[0])
	h.wantUnchanged("a code in a wrong form", func() {
		for _, invite := range []any{"", "7K3M", "7K3M-9QWE-R2TU", "7K3M-9QWE-R2TX-0", strings.Repeat("7", 4096), "7K3M-9QWE-R2T\u0000"} {
			c.refused("join_conversation", args{"invite": invite}, "invite: must be the 12 letters and digits")
		}
		c.refused("join_conversation", args{}, "invite: is required")
		c.refused("join_conversation", args{"invite": 7}, "invite: must be a string")
		c.refused("join_conversation", args{"invite": "7K3M-9QWE-R2TX", "role": "x"}, "role: is not an argument")
	})
	c.refused("join_conversation", args{"invite": "7K3M-9QWE-R2TX"}, "invite: does not admit", "10 minutes")
}

// An agent with a credential of its own needs no token for the seats it took.
func TestInvite_ownedSeats(t *testing.T) {
	bridge := inviteOnly(t)
	enter := func(name agentbridge.AgentName) *client {
		p := agentbridge.Local()
		p.Name = name
		server := New(bridge, Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
			Principal: func(context.Context) (agentbridge.Principal, error) { return p, nil }})
		h := &hall{&bench{t: t, transports: server.transports}, bridge}
		return h.enter(doors[0])
	}
	alice, bob, mallory := enter("alice"), enter("bob"), enter("mallory")
	made := alice.must("create_conversation", newRoles)
	joined := bob.must("join_conversation", args{"invite": made.str("invite")})
	a, b := seatOf(made, "a"), seatOf(made, "b")
	alice.must("send_to_partner", with(a, args{"message": "hello"}))
	if n := bob.must("check_messages", b).num("count"); n != 1 {
		t.Errorf("check_messages = %d messages, want 1", n)
	}
	for _, seat := range []args{a, b, with(a, args{"token": made.str("session_a_token")}), with(b, args{"token": joined.str("session_b_token")})} {
		mallory.refused("check_messages", seat, "token: does not admit")
	}
	alice.refused("check_messages", b, "token: does not admit")
	alice.refused("join_conversation", args{"invite": made.str("invite")}, "invite: does not admit")
}

func TestKeyring(t *testing.T) {
	id := func(i int) agentbridge.ConversationID {
		return agentbridge.ConversationID(fmt.Sprintf("conv_%016x", i))
	}
	k := &keyring{}
	k.keep(id(0), agentbridge.SeatA, "first")
	k.keep(id(0), agentbridge.SeatB, "")
	if got := k.token(id(0), agentbridge.SeatB); got != "" {
		t.Errorf("token of a seat whose token was not given out = %q", string(got))
	}
	k.keep(id(0), agentbridge.SeatA, "second")
	if got := k.token(id(0), agentbridge.SeatA); got != "second" {
		t.Errorf("token = %q, want the newest", string(got))
	}
	var wg sync.WaitGroup
	for i := range 4 { // a client may call several tools at once
		wg.Go(func() {
			for j := range maxKept / 2 {
				k.keep(id(1+i*maxKept+j), agentbridge.SeatA, agentbridge.Token(fmt.Sprint(i, " ", j)))
				k.token(id(j), agentbridge.SeatA)
			}
		})
	}
	wg.Wait()
	if got := k.token(id(0), agentbridge.SeatA); got != "" || len(k.kept) != maxKept {
		t.Errorf("after many others: %d kept, the oldest %q; want %d without it", len(k.kept), string(got), maxKept)
	}
	last := agentbridge.Token("last")
	k.keep(id(7), agentbridge.SeatB, last)
	if got := k.token(id(7), agentbridge.SeatB); got != last {
		t.Errorf("token = %q, want the last one", string(got))
	}
	if shown := fmt.Sprintf("%v %+v", k.kept[0], k.kept); strings.Contains(shown, "last") {
		t.Errorf("a keyring shows a token: %s", shown)
	}
	var none *keyring
	none.keep(id(1), agentbridge.SeatA, last)
	if got := none.token(id(1), agentbridge.SeatA); got != "" {
		t.Errorf("a keyring that keeps nothing = %q", string(got))
	}
}
