package mcpserver

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
)

// Who may use which tool. A tool without a row fails TestTools_access: whoever
// adds one says here whom it is for.
var (
	everyRole = []agentbridge.AccessRole{"none", "viewer", "member", "operator", "approver", "auditor", "admin"}
	known     = everyRole[1:]
	readers   = []agentbridge.AccessRole{"viewer", "member", "operator", "approver", "admin"}
	members   = []agentbridge.AccessRole{"member", "operator", "admin"}
	operators = []agentbridge.AccessRole{"operator", "admin"}
)

// access is one row: who may make a call that succeeds for them.
type access struct {
	roles []agentbridge.AccessRole
	call  func(g *guests) args
}

var accessTable = map[string]access{
	"create_conversation": {members, func(*guests) args {
		return args{"my_role": "developer", "partner_role": "reviewer"}
	}},
	"join_conversation":    {members, func(g *guests) args { return args{"invite": g.invite()} }},
	"send_to_partner":      {members, func(g *guests) args { return with(g.seat, args{"message": "x"}) }},
	"check_messages":       {members, func(g *guests) args { return g.seat }},
	"update_my_status":     {members, func(g *guests) args { return with(g.seat, args{"status": "working"}) }},
	"check_partner_status": {members, func(g *guests) args { return g.seat }},
	"bridge_send":          {members, func(*guests) args { return args{"channel": "c", "content": "x"} }},
	"bridge_receive":       {readers, func(*guests) args { return args{"channel": "c"} }},
	"bridge_wait":          {readers, func(g *guests) args { return args{"channel": "c", "since_id": g.sent, "timeout_seconds": 0} }},
	"bridge_ack": {members, func(g *guests) args {
		return args{"channel": "c", "consumer_id": g.who.Load().Name, "message_id": g.sent}
	}},
	"bridge_channels": {readers, func(*guests) args { return args{} }},
	"bridge_ping":     {known, func(*guests) args { return args{} }},
	"bridge_clear":    {operators, func(*guests) args { return args{"channel": "other"} }},
	"bridge_status":   {readers, func(*guests) args { return args{} }},
}

// guests are the agents of a hall, one at a time.
type guests struct {
	*hall
	who  atomic.Pointer[agentbridge.Principal]
	sent agentbridge.MessageID // in channel c
	seat args                  // of a conversation whose seats belong to nobody
}

func newGuests(t *testing.T) *guests {
	t.Helper()
	bridge := bridgetest.Unlimited(t)
	g := &guests{}
	server := New(bridge, Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Principal: g.principal})
	g.hall = &hall{&bench{t: t, transports: server.transports}, bridge}
	g.sent = bridge.Agent("alice").MustSend("c", "one").ID
	n := g.converse()
	g.seat = args{"conversation_id": n.ID, "session_id": "a", "token": string(n.TokenA)}
	return g
}

func (g *guests) principal(context.Context) (agentbridge.Principal, error) { return *g.who.Load(), nil }

func (g *guests) converse() agentbridge.NewConversation {
	g.t.Helper()
	n, err := g.bridge.Session().CreateConversation(g.t.Context(), "developer", "reviewer")
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}

func (g *guests) invite() string { return string(g.converse().Invite) }

// become lets the calls that follow act for an agent with one role and all
// scopes; with none they are nobody's.
func (g *guests) become(role agentbridge.AccessRole) {
	who := agentbridge.Principal{}
	if role != "none" {
		who = agentbridge.Principal{Name: agentbridge.AgentName(role + "-agent"), Roles: []agentbridge.AccessRole{role}}
		for _, v := range []agentbridge.Verb{agentbridge.VerbRead, agentbridge.VerbSend, agentbridge.VerbClear} {
			who.Scopes = append(who.Scopes, agentbridge.Scope{Verb: v, Pattern: "*"})
		}
	}
	g.who.Store(&who)
}

func TestTools_access(t *testing.T) {
	g := newGuests(t)
	g.become("none")
	list, err := g.enter(doors[0]).session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := g.wire()
	for _, tool := range list.Tools {
		row, ok := accessTable[tool.Name]
		if !ok {
			t.Errorf("%s: nothing says who may use it", tool.Name)
			continue
		}
		for _, role := range everyRole {
			g.become(role)
			arguments := row.call(g)
			if role == "none" { // it has no name to stand for it
				switch tool.Name {
				case "bridge_send":
					arguments["sender"] = "nobody"
				case "bridge_ack":
					arguments["consumer_id"] = "nobody"
				}
			}
			_, err := c.try(tool.Name, arguments)
			if slices.Contains(row.roles, role) {
				if err != nil {
					t.Errorf("%s as %s: %v", tool.Name, role, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), "this token may not ") {
				t.Errorf("%s as %s: %v, want a refusal", tool.Name, role, err)
			}
		}
	}
	if len(accessTable) != len(list.Tools) {
		t.Errorf("%d rows for %d tools", len(accessTable), len(list.Tools))
	}
}

// Whoever has a name need not give it, and may give no other.
func TestBridgeSend_verified(t *testing.T) {
	g := newGuests(t)
	c := g.wire()
	g.become("member")
	if a := c.must("bridge_send", args{"channel": "v", "content": "mine"}); a.str("sender") != "member-agent" {
		t.Errorf("bridge_send without a sender is from %q", a.str("sender"))
	}
	c.must("bridge_send", args{"channel": "v", "sender": "member-agent", "content": "mine too"})
	c.must("bridge_send", args{"channel": "v", "sender": nil, "content": "and this"})
	c.refused("bridge_send", args{"channel": "v", "sender": "somebody", "content": "x"}, "sender: must be", "member-agent")
	c.refused("bridge_send", args{"channel": "v", "sender": "", "content": "x"}, "sender: must not be empty")
	only := c.must("bridge_receive", args{"channel": "v"})
	if strings.Contains(only.text, "unverified") || strings.Count(only.text, `from verified "member-agent" at`) != 3 {
		t.Errorf("a page of verified senders says\n%s", only.text)
	}

	local := agentbridge.Local()
	g.who.Store(&local)
	c.refused("bridge_send", args{"channel": "v", "content": "x"}, "sender: is required")
	c.refused("bridge_send", args{"channel": "v", "content": "x", "colour": "blue"}, "sender: is required")
	c.must("bridge_send", args{"channel": "v", "sender": `verified "bob`, "content": "label"})
	for tool, arguments := range map[string]args{
		"bridge_receive": {"channel": "v"}, "bridge_wait": {"channel": "v", "consumer_id": "x"}, "bridge_status": {},
	} {
		a := c.must(tool, arguments)
		if !strings.Contains(a.text, "Senders' names are unverified. Those marked verified are not") ||
			strings.Count(a.text, `from verified "`) != 3 || !strings.Contains(a.text, `from "verified \"bob" at`) {
			t.Errorf("%s of names and labels says\n%s", tool, a.text)
		}
	}
	page := c.must("bridge_receive", args{"channel": "v"})
	if got, want := page.column("messages", "verified"), []string{"true", "true", "true", "<nil>"}; !slices.Equal(got, want) {
		t.Errorf("verified: %v, want %v", got, want)
	}
	c.must("bridge_clear", args{"channel": "v"})
	if a := c.must("bridge_status", args{}); !strings.Contains(a.text, "Senders' names are unverified.") || strings.Contains(a.text, "marked") {
		t.Errorf("bridge_status of labels says\n%s", a.text)
	}
}
