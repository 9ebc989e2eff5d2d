package client_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/relay"
)

func TestJoinContract(t *testing.T) {
	bridgetest.RunJoinContract(t, func(t *testing.T) agentbridge.Session {
		return dial(t, client.Options{URL: serve(t, bridgetest.New(t).Relay, httpapi.Options{}).URL})
	})
}

// A creator far away sees its partner's token no more than one near by.
func TestCreateConversation_inviteOnly(t *testing.T) {
	b := bridgetest.Open(t, t.TempDir(), relay.Options{InviteOnly: true})
	c := dial(t, client.Options{URL: serve(t, b.Relay, httpapi.Options{}).URL})
	n, err := c.CreateConversation(t.Context(), "backend_developer", "frontend_developer")
	if err != nil || n.TokenB != "" || n.TokenA == "" || n.Invite == "" {
		t.Fatalf("CreateConversation() = tokens of %d and %d characters, %v; want its own only", len(n.TokenA), len(n.TokenB), err)
	}
	j, err := c.JoinConversation(t.Context(), n.Invite)
	if err != nil {
		t.Fatalf("JoinConversation() = %v", err)
	}
	b.MustSit(agentbridge.SeatCredential{Conversation: j.ID, Seat: j.Seat, Token: j.Token})

	// What is wrong is the code, not the token of the connection.
	_, err = c.JoinConversation(t.Context(), n.Invite)
	if e := asError(t, "JoinConversation", err); e.Code != agentbridge.Unauthenticated || e.Field != "invite" || !strings.HasPrefix(e.Message, "does not admit") {
		t.Errorf("JoinConversation(used) = %+v", e)
	}
}

// An invite is shown to people: nothing but a code may pass for one.
func TestCreateConversation_foreignInvite(t *testing.T) {
	for _, c := range []struct {
		invite, until string
		ok            bool
	}{
		{"7K3M-9QWE-R2TX", "2026-07-28T12:00:00Z", true},
		{"", "", true}, // an older bridge
		{"7K3M-9QWE-R2TX", "", false},
		{"\x1b[2J", "2026-07-28T12:00:00Z", false},
	} {
		body := fmt.Sprintf(`{"conversation_id":"conv_0123456789abcdef","session_id":"a","expires_at":"2026-07-28T15:00:00Z","invite":%q,"invite_expires_at":%q}`, c.invite, c.until)
		server := httptest.NewServer(answer(200, asJSON, strings.ReplaceAll(body, `\x1b`, `\u001b`)))
		n, err := dial(t, client.Options{URL: server.URL}).CreateConversation(t.Context(), "backend_developer", "frontend_developer")
		server.Close()
		if c.ok && (err != nil || string(n.Invite) != c.invite) || !c.ok && agentbridge.CodeOf(err) != agentbridge.Unreachable {
			t.Errorf("CreateConversation() answered with invite %q until %q = %q, %v; want it believed: %v", c.invite, c.until, string(n.Invite), err, c.ok)
		}
	}
}
