package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
	"agentbridge/internal/httpapi"
)

// serve puts a bridge on a listener.
func serve(t *testing.T, b agentbridge.Bridge, o httpapi.Options) *httptest.Server {
	t.Helper()
	api := httpapi.New(b, o)
	server := httptest.NewServer(asLocal(api.Handler()))
	t.Cleanup(func() {
		api.Close()
		server.Close()
	})
	return server
}

// dial returns a client that ends with the test.
func dial(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	c, err := client.New(o)
	if err != nil {
		t.Fatalf("New(%s) = %v", o.URL, err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestContract(t *testing.T) {
	bridgetest.RunContract(t, func(t *testing.T) agentbridge.Session {
		return dial(t, client.Options{URL: serve(t, bridgetest.New(t).Relay, httpapi.Options{}).URL})
	})
}

func TestEntries(t *testing.T) {
	b := bridgetest.New(t)
	c := dial(t, client.Options{URL: serve(t, b.Relay, httpapi.Options{Audit: true}).URL})
	alice := bridgetest.NewAgent(t, c, "alice")
	for range 3 {
		alice.MustSend("#build", "one")
		alice.MustSend("#other", "two")
	}
	alice.MustClear("#build")
	at := time.Now()
	for _, q := range []agentbridge.EntryQuery{{}, {Limit: 2}, {Before: 4}, {Target: "#build"}, {Target: "#build", Limit: 2}, {Target: "#none"},
		{Actor: "alice"}, {Actor: "alice", Limit: 1, Before: 5}, {Action: agentbridge.ActionClear}, {Action: agentbridge.ActionForbidden},
		{Outcome: agentbridge.Allowed, Limit: 3}, {Outcome: agentbridge.Denied}, {Since: at}, {Since: at.Add(-time.Hour), Until: at.Add(time.Hour), Limit: 1},
		{Until: at.Add(-time.Hour)}} {
		want, err := b.Session().Entries(t.Context(), q)
		if err != nil {
			t.Fatalf("Entries(%+v) near by = %v", q, err)
		}
		got, err := c.Entries(t.Context(), q)
		if err != nil || len(got.Entries) != len(want.Entries) || got.Next != want.Next {
			t.Fatalf("Entries(%+v) = %d, next %d, %v; want %d, next %d", q, len(got.Entries), got.Next, err, len(want.Entries), want.Next)
		}
		for i, w := range want.Entries {
			g := got.Entries[i]
			if g.Seq != w.Seq || g.Action != w.Action || g.Actor != w.Actor || g.Target != w.Target || string(g.Detail) != string(w.Detail) ||
				agentbridge.FormatTime(g.At) != agentbridge.FormatTime(w.At) {
				t.Errorf("Entries(%+v) = %+v, want %+v", q, g, w)
			}
		}
	}
}

func TestEntries_off(t *testing.T) {
	c := dial(t, client.Options{URL: serve(t, bridgetest.New(t).Relay, httpapi.Options{}).URL})
	_, err := c.Entries(t.Context(), agentbridge.EntryQuery{})
	bridgetest.WantErr(t, agentbridge.Unavailable, err)
}

// A refusal of the bridge arrives as it left.
func TestRefusals(t *testing.T) {
	b := bridgetest.New(t)
	c := dial(t, client.Options{URL: serve(t, b.Relay, httpapi.Options{MaxPerChannel: 1}).URL})
	alice := bridgetest.NewAgent(t, c, "alice")
	ctx := t.Context()
	const private = "conv_0123456789abcdef"
	alice.MustFollow("#full", "")
	for _, x := range []struct {
		name string
		err  error
		code agentbridge.Code
		fld  string
	}{
		{"Read of a conversation", second(c.Read(ctx, agentbridge.ReadRequest{Channel: private})), agentbridge.Reserved, "channel"},
		{"Read of nothing", second(c.Read(ctx, agentbridge.ReadRequest{})), agentbridge.Required, "channel"},
		{"Send to a conversation", second(c.Send(ctx, alice.Draft(private, "x"))), agentbridge.Reserved, "channel"},
		{"Send without a body", second(c.Send(ctx, agentbridge.Draft{Channel: "#a", Sender: "alice"})), agentbridge.Required, "content"},
		{"Wait without a cursor", second(c.Wait(ctx, agentbridge.ReadRequest{Channel: "#a"}, 0)), agentbridge.Required, "cursor"},
		{"Clear of a conversation", second(c.Clear(ctx, private)), agentbridge.Reserved, "channel"},
		{"CreateConversation", second(c.CreateConversation(ctx, "x", "frontend_developer")), agentbridge.TooShort, "my_role"},
		{"Follow of a conversation", second(c.Follow(ctx, private, "")), agentbridge.Reserved, "channel"},
		{"Follow of nothing", second(c.Follow(ctx, "", "")), agentbridge.Required, "channel"},
		{"Follow behind a line end", second(c.Follow(ctx, "#a", "x\ny")), agentbridge.ControlCharacter, "position"},
		{"Follow of a full channel", second(c.Follow(ctx, "#full", "")), agentbridge.Busy, ""},
		{"Watch of a conversation", second(c.Watch(ctx, []agentbridge.ChannelName{private}, "")), agentbridge.Reserved, "channel"},
		{"Watch of nothing", second(c.Watch(ctx, []agentbridge.ChannelName{""}, "")), agentbridge.Required, "channel"},
		{"Watch behind nonsense", second(c.Watch(ctx, nil, "nonsense")), agentbridge.InvalidFormat, "since_seq"},
	} {
		e := asError(t, x.name, x.err)
		if e.Code != x.code || e.Field != x.fld || e.Message == "" || e.Code == agentbridge.Busy && e.RetryAfter <= 0 {
			t.Errorf("%s = %+v, want code %s, field %q", x.name, e, x.code, x.fld)
		}
	}
}

// A context that ends is no fault of the bridge.
func TestContextEnds(t *testing.T) {
	c := dial(t, client.Options{URL: serve(t, bridgetest.New(t).Relay, httpapi.Options{}).URL})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"Ping":   second(c.Ping(ctx)),
		"Send":   second(c.Send(ctx, bridgetest.NewAgent(t, c, "alice").Draft("#a", "x"))),
		"Follow": second(c.Follow(ctx, "#a", "")),
	} {
		if err != context.Canceled {
			t.Errorf("%s = %v, want %v", name, err, context.Canceled)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// asLocal stands for the boundary of an open bridge.
func asLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(agentbridge.WithPrincipal(r.Context(), agentbridge.Local())))
	})
}
