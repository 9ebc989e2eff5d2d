package relay_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
	"agentbridge/internal/token"

	"github.com/google/go-cmp/cmp"
)

// named opens a session for somebody who may do everything agents may, under a name.
func named(t *testing.T, b *bridgetest.Bridge, name agentbridge.AgentName) *bridgetest.Agent {
	t.Helper()
	return scoped(t, b, name, "read:*,send:*,clear:*")
}

func scoped(t *testing.T, b *bridgetest.Bridge, name agentbridge.AgentName, scopes string) *bridgetest.Agent {
	t.Helper()
	list, err := agentbridge.ParseScopes("scope", scopes)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Open(t.Context(), agentbridge.Principal{Name: name, Roles: []agentbridge.AccessRole{agentbridge.RoleAdmin}, Scopes: list})
	if err != nil {
		t.Fatal(err)
	}
	return bridgetest.NewAgent(t, s, name)
}

// viewed counts the looks into a store.
type viewed struct {
	store.Store
	views atomic.Int64
}

func (v *viewed) View(ctx context.Context, f func(store.Reader) error) error {
	v.views.Add(1)
	return v.Store.View(ctx, f)
}

func (v *viewed) Glance(ctx context.Context, f func(store.Reader) error) error {
	v.views.Add(1)
	return v.Store.Glance(ctx, f)
}

// Who sends under a label is compared with the agents that are known, and that
// costs a look into the store only when these have changed.
func TestSend_labelsCostNoLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		b.Relay.Close()
		v := &viewed{Store: b.Store}
		r, err := relay.New(t.Context(), v, relay.Options{KeyFile: b.Dir + "/" + bridgetest.KeyFile})
		if err != nil {
			t.Fatal(err)
		}
		b.Relay = r
		t.Cleanup(r.Close)
		label := b.Agent("label")
		looks := func(want int64) {
			t.Helper()
			synctest.Wait()
			before := v.views.Load()
			for range 100 {
				label.MustSend("#build", "x")
			}
			if n := v.views.Load() - before; n > want {
				t.Errorf("100 sends looked %d times, want at most %d", n, want)
			}
		}
		looks(1)
		looks(0)
		hire(t, b, "alice")
		looks(1)
		looks(0)
	})
}

// A name stays its agent's, also when that may do nothing any more; and a label
// that was there before is not heard under it again.
func TestSend_labelOfARevokedAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		label := b.Agent("alice")
		label.MustSend("#build", "nobody else is called so")
		hire(t, b, "alice")
		refused := func() {
			t.Helper()
			_, err := label.Send(t.Context(), label.Draft("#build", "still me"))
			bridgetest.WantErr(t, agentbridge.Reserved, err)
			_, err = label.Read(t.Context(), agentbridge.ReadRequest{Channel: "#build", Consumer: "alice"})
			bridgetest.WantErr(t, agentbridge.Reserved, err)
		}
		refused()
		if err := b.Operator().RevokeAgent(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		refused()
	})
}

// Each of these has been tried a hundred times within a minute; the log says so
// once, with the name of the agent or "local", and no secret.
func TestDenials_onceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := guarded(t)
		hire(t, b, "coco")
		mallory, label := scoped(t, b, "mallory", "send:open"), b.Agent("coco")
		ctx := t.Context()
		for _, c := range []struct {
			what string
			do   func(i int) error
			want string
		}{
			{"a channel", func(int) error {
				_, err := mallory.Read(ctx, agentbridge.ReadRequest{Channel: "c"})
				return err
			}, `mallory forbidden c {"not_written_before":0,"operation":"read","verified":true}`},
			{"a secret for a name", func(int) error {
				_, err := mallory.Clear(ctx, "BADGE-1234")
				return err
			}, `mallory forbidden  {"not_written_before":0,"operation":"clear","verified":true}`},
			{"another's name", func(i int) error {
				d := mallory.Draft("open", "x")
				d.Sender = agentbridge.AgentName(fmt.Sprint("agent", i))
				_, err := mallory.Send(ctx, d)
				return err
			}, `mallory forbidden open {"not_written_before":0,"operation":"send","reason":"as another sender","verified":true}`},
			{"an agent's name", func(int) error {
				_, err := label.Send(ctx, label.Draft("open", "x"))
				return err
			}, `local forbidden open {"not_written_before":0,"operation":"send","reason":"as another sender"}`},
			{"an agent's cursor", func(int) error {
				_, err := label.Ack(ctx, agentbridge.Ack{Channel: "open", Consumer: "coco", MessageID: "x"})
				return err
			}, `local forbidden open {"not_written_before":0,"operation":"acknowledge","reason":"as another consumer_id"}`},
		} {
			before := lastEntry(t, b)
			for i := range 100 {
				if c.do(i) == nil {
					t.Errorf("%s: was allowed", c.what)
				}
			}
			if got := told(t, b, before); len(got) != 1 || got[0] != c.want {
				t.Errorf("%s: the audit log says\n%s\nwant\n%s", c.what, strings.Join(got, "\n"), c.want)
			}
		}
		before := lastEntry(t, b)
		time.Sleep(time.Minute + 15*time.Second) // and nothing follows
		want := []string{
			`local forbidden open {"not_written":99,"operation":"acknowledge","reason":"as another consumer_id"}`,
			`local forbidden open {"not_written":99,"operation":"send","reason":"as another sender"}`,
			`mallory forbidden  {"not_written":99,"operation":"clear","verified":true}`,
			`mallory forbidden c {"not_written":99,"operation":"read","verified":true}`,
			`mallory forbidden open {"not_written":99,"operation":"send","reason":"as another sender","verified":true}`,
		}
		got := told(t, b, before)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("a minute later: -want +got\n%s", diff)
		}
		wantNoBadge(t, b)
	})
}

// told are the entries behind a number.
func told(t *testing.T, b *bridgetest.Bridge, after int64) (lines []string) {
	t.Helper()
	for _, e := range entries(t, b, after) {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", e.Actor, e.Action, e.Target, e.Detail))
	}
	return lines
}

// Whoever has a name is written down under it for all that it does.
func TestAudit_actors(t *testing.T) {
	b := bridgetest.New(t)
	alice := named(t, b, "alice")
	before := lastEntry(t, b)
	sent := alice.MustSend("#build", "one")
	for _, consumer := range []agentbridge.AgentName{"", "alice/phone"} {
		if _, err := alice.Ack(t.Context(), agentbridge.Ack{Channel: "#build", Consumer: consumer, MessageID: sent.ID}); err != nil {
			t.Fatalf("Ack(%q) = %v", consumer, err)
		}
	}
	alice.MustClear("#build")
	var got []string
	for _, e := range entries(t, b, before) {
		got = append(got, line(t, e))
	}
	want := "alice send #build [bytes hash id seq verified], alice ack #build [seq verified], alice ack #build [consumer seq verified], alice clear #build [cleared verified]"
	if strings.Join(got, ", ") != want {
		t.Errorf("the audit log says %q, want %s", got, want)
	}
}

// Who calls himself as an agent is called can't use up what that may do, and no
// agent another's.
func TestLimits_namesAndLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Open(t, t.TempDir(), relay.Options{Limits: limits(t, "channel=1/h", "ack=1/h", "clear=1/h", "create_conversation=1/h")})
		ctx := t.Context()
		sent := b.Agent("setup").MustSend("#build", "x")
		long := agentbridge.AgentName("alice-" + strings.Repeat("x", 100))
		for what, c := range map[string]struct {
			do  func(a *bridgetest.Agent) error
			who []*bridgetest.Agent // of each other they use up nothing
		}{
			"send": {func(a *bridgetest.Agent) error { _, err := a.Send(ctx, a.Draft("#build", "x")); return err },
				[]*bridgetest.Agent{b.Agent("alice"), named(t, b, "alice"), named(t, b, "bob"), b.Agent(long), named(t, b, long)}},
			"ack": {func(a *bridgetest.Agent) error {
				_, err := a.Ack(ctx, agentbridge.Ack{Channel: "#build", Consumer: a.Name, MessageID: sent.ID})
				return err
			}, []*bridgetest.Agent{b.Agent("alice"), named(t, b, "alice"), named(t, b, "bob"), b.Agent(long), named(t, b, long)}},
			"clear": {func(a *bridgetest.Agent) error { _, err := a.Clear(ctx, "#other"); return err },
				[]*bridgetest.Agent{b.Agent("alice"), named(t, b, "alice"), named(t, b, "bob"), named(t, b, "local")}},
			"create": {func(a *bridgetest.Agent) error { _, err := a.CreateConversation(ctx, "role_a", "role_b"); return err },
				[]*bridgetest.Agent{b.Agent("alice"), named(t, b, "alice"), named(t, b, "bob"), named(t, b, "local")}},
		} {
			for i, who := range c.who {
				if err := c.do(who); err != nil {
					t.Errorf("%s by %d, %s = %v", what, i, who.Name, err)
				}
				bridgetest.WantErr(t, agentbridge.RateLimited, c.do(who))
			}
		}
	})
}

// Before there was an agent of that name, somebody sent under the label with the
// key that the agent was going to use. That must neither pass for the agent's
// message nor keep it out.
func TestSend_keyTakenBeforehand(t *testing.T) {
	b := bridgetest.New(t)
	label, alice := b.Agent("alice"), named(t, b, "alice")
	keyed := func(text string) agentbridge.Draft {
		d := label.Draft("#build", text)
		d.Key = "k1"
		return d
	}
	forged := label.MustSendDraft(keyed("deploy"))
	sent := alice.MustSendDraft(keyed("deploy"))
	if sent.Deduplicated || sent.ID == forged.ID {
		t.Errorf("Send() = %+v, want a message of its own", sent)
	}
	if again := alice.MustSendDraft(keyed("deploy")); !again.Deduplicated || again.ID != sent.ID {
		t.Errorf("Send() again = %+v, want %s", again, sent.ID)
	}
	_, err := alice.Send(t.Context(), keyed("something else"))
	bridgetest.WantErr(t, agentbridge.Conflict, err)
}

// A database was stolen. What stands beside a key must not let a short message
// be guessed, though an earlier version's did; and a retry that began before the
// upgrade still finds its first attempt.
func TestSend_digests(t *testing.T) {
	b := bridgetest.New(t)
	alice := b.Agent("alice")
	d := alice.Draft("#build", "yes")
	d.Key = "k1"
	sent := alice.MustSendDraft(d)
	plain := sha256.Sum256([]byte("text\x00yes\x00"))
	change := func(f func(t store.Tx, c store.Channel, k store.Keyed) error) {
		t.Helper()
		err := b.Store.Update(t.Context(), func(t store.Tx) error {
			c, _, err := t.Channel("#build")
			if err != nil {
				return err
			}
			k, ok, err := t.Keyed(c, "alice", "k1")
			if err == nil && !ok {
				err = fmt.Errorf("nothing is kept under the key")
			}
			if err != nil {
				return err
			}
			return f(t, c, k)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var k store.Keyed
	change(func(_ store.Tx, _ store.Channel, kept store.Keyed) error { k = kept; return nil })
	for _, guess := range []string{"yes", "text\x00yes\x00", "text\x00yes", "#build\x00alice\x00yes"} {
		if k.Digest == sha256.Sum256([]byte(guess)) {
			t.Errorf("the digest is the plain one of %q", guess)
		}
	}
	change(func(t store.Tx, c store.Channel, k store.Keyed) error {
		k.Digest = plain
		return t.PutKeyed(c, "alice", "k2", k)
	})
	for _, key := range []string{"k1", "k2"} {
		d.Key = key
		if again := alice.MustSendDraft(d); !again.Deduplicated || again.ID != sent.ID {
			t.Errorf("Send(%s) again = %+v, want %s", key, again, sent.ID)
		}
		other := alice.Draft("#build", "no")
		other.Key = key
		_, err := alice.Send(t.Context(), other)
		bridgetest.WantErr(t, agentbridge.Conflict, err)
	}
}

// The hash in the log is of everything that a reader of the message goes by.
func TestContentHash(t *testing.T) {
	b := bridgetest.New(t)
	key, err := token.LoadKey(b.Dir + "/" + bridgetest.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*bridgetest.Agent{b.Agent("bob"), named(t, b, "alice")} {
		a.MustSend("#build", "yes")
		m := a.MustRead(agentbridge.ReadRequest{Channel: "#build", Limit: 1}).Messages[0]
		list := entries(t, b, 0)
		var about struct{ Hash string }
		if err := json.Unmarshal(list[len(list)-1].Detail, &about); err != nil || about.Hash != relay.ContentHash(key, m) || about.Hash == "" {
			t.Errorf("the audit log says %s, %v; want the hash %s", list[len(list)-1].Detail, err, relay.ContentHash(key, m))
		}
		if plain := sha256.Sum256([]byte("yes")); strings.Contains(about.Hash, hex.EncodeToString(plain[:4])) {
			t.Errorf("the hash is the plain one")
		}
		for what, change := range map[string]func(m *agentbridge.Message){
			"id":       func(m *agentbridge.Message) { m.ID = agentbridge.NewMessageID(m.Seq) },
			"channel":  func(m *agentbridge.Message) { m.Channel = "#deploy" },
			"sender":   func(m *agentbridge.Message) { m.Sender = "eve" },
			"verified": func(m *agentbridge.Message) { m.Verified = !m.Verified },
			"encoding": func(m *agentbridge.Message) { m.Encoding = agentbridge.LegacyJSON },
			"content":  func(m *agentbridge.Message) { m.Content = "no" },
			"metadata": func(m *agentbridge.Message) { m.Metadata = agentbridge.Metadata("{}") },
		} {
			other := m
			change(&other)
			if relay.ContentHash(key, other) == about.Hash {
				t.Errorf("with another %s the hash is the same", what)
			}
		}
	}
}

// What stood under a name before it belonged to an agent is not the agent's: not
// a cursor that somebody put ahead of it, nor a name that looks like its part.
func TestAgent_inheritsNothing(t *testing.T) {
	b := bridgetest.New(t)
	mallory := b.Agent("mallory")
	first := mallory.MustSend("inbox", "one")
	for _, consumer := range []agentbridge.AgentName{"carol", "carol/phone"} {
		if _, err := mallory.Ack(t.Context(), agentbridge.Ack{Channel: "inbox", Consumer: consumer, MessageID: first.ID}); err != nil {
			t.Fatal(err)
		}
	}
	issued, err := b.Operator().AddAgent(t.Context(), agentbridge.NewAgent{Name: "carol"})
	if err != nil {
		t.Fatal(err)
	}
	who, err := b.Authenticate(t.Context(), string(issued.Token))
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Open(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	for _, consumer := range []agentbridge.AgentName{"carol", "carol/phone"} {
		page, err := s.Read(t.Context(), agentbridge.ReadRequest{Channel: "inbox", Consumer: consumer})
		if err != nil || len(page.Messages) != 1 {
			t.Errorf("Read as %s = %d messages, %v; want the first", consumer, len(page.Messages), err)
		}
	}
	for _, sender := range []agentbridge.AgentName{"carol/phone", "Carol/", "carol"} {
		d := mallory.Draft("inbox", "x")
		d.Sender = sender
		_, err := mallory.Session.Send(t.Context(), d)
		bridgetest.WantErr(t, agentbridge.Reserved, err)
	}
}
