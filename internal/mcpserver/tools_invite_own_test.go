package mcpserver

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
)

// A creator without a name joined with the invite it had been given, and spoke
// for its partner. Its process knows what it gave out.
func TestInvite_isNotForItsCreator(t *testing.T) {
	bridge := inviteOnly(t)
	alice, bob := processOn(t, bridge), processOn(t, bridge)
	made := alice.must("create_conversation", newRoles)
	for range 2 * agentbridge.InviteTries { // which are no tries of a wrong code
		for _, code := range []string{made.str("invite"), strings.ToLower(strings.ReplaceAll(made.str("invite"), "-", ""))} {
			alice.refused("join_conversation", args{"invite": code}, "invite: is for your partner", "still works")
		}
	}
	alice.refused("send_to_partner", with(seatOf(made, "b"), args{"message": "I am the partner"}), "token: is required")
	theirs := bob.must("create_conversation", newRoles)
	alice.must("join_conversation", args{"invite": theirs.str("invite")})
	bob.must("join_conversation", args{"invite": made.str("invite")})
}

// Creators are told the same, whether the process or the engine knows them.
func TestInvite_isNotForItsCreator_words(t *testing.T) {
	said := func(bridge *bridgetest.Bridge, who agentbridge.Principal) string {
		server := New(bridge, Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), KeepTokens: true,
			Principal: func(context.Context) (agentbridge.Principal, error) { return who, nil }})
		c := (&hall{&bench{t: t, transports: server.transports}, bridge}).enter(doors[0])
		_, err := c.try("join_conversation", args{"invite": c.must("create_conversation", newRoles).str("invite")})
		if err == nil {
			t.Fatalf("%q joined its own conversation", who.Name)
		}
		return err.Error()
	}
	named := agentbridge.Local()
	named.Name = "alice"
	if process, engine := said(inviteOnly(t), agentbridge.Local()), said(inviteOnly(t), named); process != engine {
		t.Errorf("the process says %q, the engine %q", process, engine)
	}
}

func TestKeyring_invites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keyring{}
		k.gave("AAAA-AAAA-AAAA")
		time.Sleep(agentbridge.InviteLife - time.Second)
		for i := range byte(200) { // none drives another one out
			k.gave(agentbridge.MakeInvite([12]byte{i / 32, i % 32}))
		}
		if !k.isOwn("AAAA-AAAA-AAAA") || k.isOwn("AAAA-AAAA-AAAB") {
			t.Error("an invite that was given is not known, or another one is")
		}
		time.Sleep(time.Second)
		k.gave("BBBB-BBBB-BBBB")
		if k.isOwn("AAAA-AAAA-AAAA") || len(k.invites) != 201 {
			t.Errorf("%d invites are kept, want 201 that may admit", len(k.invites))
		}
		var none *keyring
		if none.gave("AAAA-AAAA-AAAA"); none.isOwn("AAAA-AAAA-AAAA") {
			t.Error("a keyring that keeps nothing knows an invite")
		}
	})
}
