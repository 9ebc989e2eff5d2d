package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/wire"
)

// Who may use which path. A path without a row fails TestAccess: whoever adds
// one says here whom it is for.
var (
	anybody   = []agentbridge.AccessRole{"none", "viewer", "member", "operator", "approver", "auditor", "admin"}
	known     = anybody[1:]
	readers   = []agentbridge.AccessRole{"viewer", "member", "operator", "approver", "admin"}
	members   = []agentbridge.AccessRole{"member", "operator", "admin"}
	operators = []agentbridge.AccessRole{"operator", "admin"}
	auditors  = []agentbridge.AccessRole{"auditor", "admin"}
)

// access is one row: a request that succeeds for whoever may make it. SENT and
// INVITE stand for a message's id and for a code that nobody has used.
type access struct {
	roles []agentbridge.AccessRole
	rest  string // of the path, or its query
	body  string // of a POST
}

var accessTable = map[string]access{
	"/status":                 {roles: anybody},
	"/api/ping":               {roles: known},
	"/api/state":              {roles: readers},
	"/api/channels":           {roles: readers},
	"/api/overview":           {roles: readers},
	"/api/messages":           {roles: readers, rest: "?channel=c"},
	"/api/messages/":          {roles: readers, rest: "SENT"},
	"/api/wait":               {roles: readers, rest: "?channel=c&since_id=SENT&timeout_seconds=0"},
	"/api/events":             {roles: readers},
	"/events/channel/":        {roles: readers, rest: "c"},
	"/api/audit":              {roles: auditors},
	"/api/send":               {roles: members, body: `{"channel":"c","sender":"ROLE-agent","content":"x"}`},
	"/api/ack":                {roles: members, body: `{"channel":"c","consumer_id":"ROLE-agent","message_id":"SENT"}`},
	"/api/clear":              {roles: operators, body: `{"channel":"other"}`},
	"/api/conversations":      {roles: members, body: `{"my_role":"developer","partner_role":"reviewer"}`},
	"/api/conversations/join": {roles: members, body: `{"invite":"INVITE"}`},
}

func TestAccess(t *testing.T) {
	h := newHall(t, httpapi.Options{Audit: true})
	sent := h.MustSend("c", "one")
	for _, path := range httpapi.Paths() {
		row, ok := accessTable[path]
		if !ok {
			t.Errorf("%s: nothing says who may use it", path)
			continue
		}
		for _, role := range anybody {
			fill := strings.NewReplacer("SENT", string(sent.ID), "ROLE", string(role), "INVITE", h.invite(path))
			got := h.as(agentOf(role)).status(path+fill.Replace(row.rest), fill.Replace(row.body))
			want := http.StatusForbidden
			if slices.Contains(row.roles, role) {
				want = http.StatusOK
			}
			if got != want {
				t.Errorf("%s as %s = %d, want %d", path, role, got, want)
			}
		}
	}
	for path := range accessTable {
		if !slices.Contains(httpapi.Paths(), path) {
			t.Errorf("%s is in the table, and nowhere else", path)
		}
	}
}

// agentOf is an agent with one role and all scopes; with none it is nobody.
func agentOf(role agentbridge.AccessRole) agentbridge.Principal {
	if role == "none" {
		return agentbridge.Principal{}
	}
	return agentbridge.Principal{Name: agentbridge.AgentName(role + "-agent"), Roles: []agentbridge.AccessRole{role},
		Scopes: []agentbridge.Scope{{Verb: agentbridge.VerbRead, Pattern: "*"}, {Verb: agentbridge.VerbSend, Pattern: "*"}, {Verb: agentbridge.VerbClear, Pattern: "*"}}}
}

// invite returns a new code if a path takes one.
func (h *hall) invite(path string) string {
	h.t.Helper()
	if path != "/api/conversations/join" {
		return ""
	}
	n, err := h.bridge.Session().CreateConversation(h.t.Context(), "developer", "reviewer")
	if err != nil {
		h.t.Fatal(err)
	}
	return string(n.Invite)
}

// visitor makes requests for a principal.
type visitor struct {
	*hall
	who agentbridge.Principal
}

func (h *hall) as(who agentbridge.Principal) visitor { return visitor{h, who} }

// request runs a request without a network. Its context ends at once for a
// stream, which then has its header and nothing else.
func (v visitor) request(path, body string) (status int, answer string) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(agentbridge.WithPrincipal(v.t.Context(), v.who))
	defer cancel()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	w := &cutter{header: http.Header{}, cancel: cancel}
	v.server.Handler().ServeHTTP(w, r)
	return w.status, w.body.String()
}

func (v visitor) status(path, body string) int {
	v.t.Helper()
	status, _ := v.request(path, body)
	return status
}

// cutter is a reader who leaves as soon as a stream has begun.
type cutter struct {
	header http.Header
	cancel context.CancelFunc
	status int
	body   strings.Builder
}

func (c *cutter) Header() http.Header              { return c.header }
func (c *cutter) SetWriteDeadline(time.Time) error { return nil }
func (c *cutter) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}
func (c *cutter) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.body.Write(p)
}
func (c *cutter) Flush() {
	c.WriteHeader(http.StatusOK)
	c.cancel()
}

// Whoever may not is told so in the usual form, and the same whether there is
// something or not.
func TestAccess_refusal(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.MustSend("secret", "x")
	who := agentOf("member")
	who.Scopes = []agentbridge.Scope{{Verb: agentbridge.VerbRead, Pattern: "mine:*"}}
	var told []string
	for _, channel := range []string{"secret", "nothing-here"} {
		status, body := h.as(who).request("/api/messages?channel="+channel, "")
		if status != http.StatusForbidden || !strings.Contains(body, `"code":"forbidden"`) || !strings.Contains(body, "ask the bridge's operator") {
			t.Errorf("GET %s = %d %s", channel, status, body)
		}
		told = append(told, body)
	}
	if told[0] != told[1] {
		t.Errorf("a channel that exists is told from one that does not:\n%s%s", told[0], told[1])
	}
}

// A name stands for the token: it need not be given, and no other may.
func TestSend_verified(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	who := agentOf("member")
	status, body := h.as(who).request("/api/send", `{"channel":"c","content":"one"}`)
	if object := decode(t, body).(object); status != 200 || object["sender"] != "member-agent" {
		t.Fatalf("POST /api/send = %d %s", status, body)
	}
	if status, body := h.as(who).request("/api/send", `{"channel":"c","sender":"member-agent","content":"two"}`); status != 200 {
		t.Errorf("POST /api/send under the own name = %d %s", status, body)
	}
	status, body = h.as(who).request("/api/send", `{"channel":"c","sender":"somebody","content":"x"}`)
	if object := decode(t, body).(object); status != 403 || object["field"] != "sender" || object["code"] != "forbidden" {
		t.Errorf("POST /api/send under another name = %d %s", status, body)
	}
	h.post("/api/send", `{"channel":"c","content":"x"}`).wantRefused(400, "sender: must be a string", "sender", "invalid_type")
	h.post("/api/send", `{"channel":"c","sender":"","content":"x"}`).wantRefused(400, "sender: must not be empty", "sender", "required")
	h.MustSend("c", "three")

	// Each face of a message tells a name from a label.
	var page struct{ Messages []wire.Listed }
	h.get("/api/messages?channel=c&full=1").into(&page)
	var verified []string
	for _, m := range page.Messages {
		verified = append(verified, fmt.Sprintf("%s %v", m.Sender, m.Verified))
		var d wire.Detail
		h.get("/api/messages/" + string(m.ID)).into(&d)
		if d.Verified != m.Verified {
			t.Errorf("GET /api/messages/%s: verified %v, want %v", m.ID, d.Verified, m.Verified)
		}
	}
	if want := []string{"member-agent true", "member-agent true", "alice false"}; !slices.Equal(verified, want) {
		t.Errorf("verified: %v, want %v", verified, want)
	}
	if a := h.get("/api/messages?channel=c"); strings.Count(a.body, `"verified"`) != 2 {
		t.Errorf("a label is said to be one: %s", a.body)
	}
	if a := h.get("/api/overview"); strings.Count(a.body, `"verified":true`) != 2 {
		t.Errorf("%s = %s", a.call, a.body)
	}
	first := page.Messages[0]
	if a := h.get("/api/wait?channel=c&since_id=" + string(first.ID)); strings.Count(a.body, `"verified":true`) != 1 {
		t.Errorf("%s = %s", a.call, a.body)
	}
}
