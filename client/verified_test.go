package client_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
	"agentbridge/internal/httpapi"
)

// serveAs puts a bridge on a listener whose callers are all one principal.
func serveAs(t *testing.T, b agentbridge.Bridge, who agentbridge.Principal, o httpapi.Options) *httptest.Server {
	t.Helper()
	api := httpapi.New(b, o)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.Handler().ServeHTTP(w, r.WithContext(agentbridge.WithPrincipal(r.Context(), who)))
	}))
	t.Cleanup(func() {
		api.Close()
		server.Close()
	})
	return server
}

func agentNamed(name agentbridge.AgentName, roles ...agentbridge.AccessRole) agentbridge.Principal {
	who := agentbridge.Local()
	who.Name, who.Roles = name, roles
	return who
}

// An agent far away is who its token says, and reads of each message whether
// that stood behind it.
func TestVerified(t *testing.T) {
	b := bridgetest.New(t)
	near := b.Agent("somebody")
	c := dial(t, client.Options{URL: serveAs(t, b.Relay, agentNamed("alice", agentbridge.RoleMember), httpapi.Options{}).URL})
	alice := bridgetest.NewAgent(t, c, "")
	label := near.MustSend("#build", "a label")
	followed, watched := alice.MustFollow("#build", agentbridge.Position(label.ID)), alice.MustWatch("")

	sent := alice.MustSend("#build", "verified")
	if sent.Sender != "alice" {
		t.Errorf("Send without a sender = %+v", sent)
	}
	_, err := c.Send(t.Context(), near.Draft("#build", "x"))
	if e := asError(t, "Send under another name", err); e.Code != agentbridge.Forbidden || e.Field != "sender" {
		t.Errorf("Send under another name = %+v", e)
	}
	want := func(call string, list []agentbridge.Message, err error) {
		t.Helper()
		if err != nil || len(list) == 0 {
			t.Fatalf("%s = %v, %v", call, list, err)
		}
		for _, m := range list {
			if m.Verified != (m.ID == sent.ID) || m.Verified != (m.Sender == "alice") {
				t.Errorf("%s shows %+v", call, m)
			}
		}
	}
	page, err := c.Read(t.Context(), agentbridge.ReadRequest{Channel: "#build"})
	want("Read", page.Messages, err)
	page, err = c.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#build", After: label.ID}, time.Second)
	want("Wait", page.Messages, err)
	m, err := c.Message(t.Context(), sent.ID)
	want("Message", []agentbridge.Message{m}, err)
	o, err := c.Overview(t.Context(), "", 5, 0)
	want("Overview", o.Channels[0].Messages, err)
	for call, feed := range map[string]agentbridge.Feed{"Follow": followed, "Watch": watched} {
		batch, err := feed.Next(t.Context())
		if err != nil || len(batch.Events) == 0 {
			t.Fatalf("%s: %+v, %v", call, batch, err)
		}
		want(call, []agentbridge.Message{batch.Events[0].Message}, err)
	}
}

// An auditor far away sees what one near by sees, whether the log is shown to
// everybody or not; others don't.
func TestEntries_ofAnAuditor(t *testing.T) {
	b := bridgetest.New(t)
	b.Agent("alice").MustSend("#build", "one")
	b.Pair("developer", "reviewer")
	auditor := agentNamed("auditor", agentbridge.RoleAuditor)
	near, err := b.Open(t.Context(), auditor)
	if err != nil {
		t.Fatal(err)
	}
	far := dial(t, client.Options{URL: serveAs(t, b.Relay, auditor, httpapi.Options{}).URL})
	want, err := near.Entries(t.Context(), agentbridge.EntryQuery{})
	if err != nil || len(want.Entries) < 2 {
		t.Fatalf("Entries near by = %+v, %v", want, err)
	}
	got, err := far.Entries(t.Context(), agentbridge.EntryQuery{})
	if err != nil || len(got.Entries) != len(want.Entries) || got.Entries[0].Seq != want.Entries[0].Seq {
		t.Errorf("Entries = %+v, %v; want %+v", got, err, want)
	}
	member := dial(t, client.Options{URL: serveAs(t, b.Relay, agentNamed("member", agentbridge.RoleMember), httpapi.Options{}).URL})
	_, err = member.Entries(t.Context(), agentbridge.EntryQuery{})
	bridgetest.WantErr(t, agentbridge.Forbidden, err)
}

func TestAgent(t *testing.T) { // asks only if there is a token that could be somebody's
	for body, want := range map[string]agentbridge.AgentName{
		`{"authenticated":true,"auth_required":true,"agent":"alice"}`: "alice",
		`{"authenticated":true,"auth_required":true}`:                 "",
	} {
		server := httptest.NewServer(answer(200, asJSON, body))
		defer server.Close()
		if got, err := dial(t, client.Options{URL: server.URL, Token: "s3cret"}).Agent(t.Context()); got != want || err != nil {
			t.Errorf("Agent of %s = %q, %v", body, got, err)
		}
		if got, err := dial(t, client.Options{URL: server.URL}).Agent(t.Context()); got != "" || err != nil {
			t.Errorf("Agent without a token = %q, %v", got, err)
		}
	}
	server := httptest.NewServer(answer(401, asJSON, `{"error":"unauthorized"}`))
	defer server.Close()
	_, err := dial(t, client.Options{URL: server.URL, Token: "s3cret"}).Agent(t.Context())
	bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
}
