package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/token"

	"github.com/google/go-cmp/cmp"
)

// admit checks that a token admits its agent.
func admit(t *testing.T, b *bridgetest.Bridge, minted agentbridge.APIToken, name agentbridge.AgentName) agentbridge.Principal {
	t.Helper()
	p, err := b.Authenticate(t.Context(), string(minted))
	if err != nil || p.Name != name || p.Ended() != nil {
		t.Fatalf("Authenticate() = %q, %v, ended %v; want %s", p.Name, err, p.Ended(), name)
	}
	return p
}

// turnAway checks that a credential does not admit, and says nothing else.
func turnAway(t *testing.T, b *bridgetest.Bridge, what, credential string) {
	t.Helper()
	p, err := b.Authenticate(t.Context(), credential)
	if e, ok := errors.AsType[*agentbridge.Error](err); !ok || e.Code != agentbridge.Unauthenticated || e.Field != "" || e.Message != refusal(t, b) {
		t.Errorf("Authenticate(%s) = %v; want the one refusal", what, err)
	}
	if p.Verified() || len(p.Roles)+len(p.Scopes) > 0 {
		t.Errorf("Authenticate(%s) refused, and returned %+v", what, p)
	}
}

// refusal is what somebody is told who guesses.
func refusal(t *testing.T, b *bridgetest.Bridge) string {
	t.Helper()
	_, err := b.Authenticate(t.Context(), "guess")
	if err == nil {
		t.Fatal(`Authenticate("guess") was let in`)
	}
	return err.Error()
}

// ended checks that a principal's life is over, for a reason of one kind.
func ended(t *testing.T, p agentbridge.Principal, code agentbridge.Code) {
	t.Helper()
	select {
	case <-p.Life.Done():
		bridgetest.WantErr(t, code, p.Ended())
	default:
		t.Errorf("the life of %s goes on; want an end as %q", p.Name, code)
	}
}

func lives(t *testing.T, p agentbridge.Principal) {
	t.Helper()
	if err := p.Ended(); err != nil {
		t.Errorf("the life of %s ended: %v", p.Name, err)
	}
}

func TestAuthenticate(t *testing.T) {
	b := bridgetest.New(t)
	alice := hireAs(t, b, agentbridge.NewAgent{Name: "alice", Roles: []agentbridge.AccessRole{agentbridge.RoleMember, agentbridge.RoleAuditor},
		Scopes: []agentbridge.Scope{{Verb: agentbridge.VerbSend, Pattern: "payments:*"}}})
	bob := hire(t, b, "bob")
	p := admit(t, b, alice.Token, "alice")
	if diff := cmp.Diff(alice.Agent.Roles, p.Roles) + cmp.Diff(alice.Agent.Scopes, p.Scopes); diff != "" {
		t.Errorf("roles and scopes: -want +got\n%s", diff)
	}
	admit(t, b, bob.Token, "bob")
	again := admit(t, b, alice.Token, "alice")
	if p.Life != again.Life {
		t.Error("two calls by one token have two lives")
	}
	revoke(t, b, "alice")
	lives(t, admit(t, b, bob.Token, "bob"))
}

func revoke(t *testing.T, b *bridgetest.Bridge, name agentbridge.AgentName) {
	t.Helper()
	if err := b.Operator().RevokeAgent(t.Context(), name); err != nil {
		t.Fatalf("RevokeAgent(%s) = %v", name, err)
	}
}

// Mallory tries what she has. Every answer is the same: whether she is near,
// late or nowhere is not for her to know.
func TestAuthenticate_refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, elsewhere := bridgetest.New(t), bridgetest.New(t)
		alice, old, short := hire(t, b, "alice"), hire(t, b, "old"), hireAs(t, b, agentbridge.NewAgent{Name: "short", Lifetime: time.Hour})
		gone, foreign := hire(t, b, "gone"), hire(t, elsewhere, "alice")
		admit(t, b, gone.Token, "gone")
		revoke(t, b, "gone")
		turnAway(t, b, "a token just revoked, of this process", string(gone.Token))
		if _, err := b.Operator().RotateAgent(t.Context(), "old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		digest := token.DigestOf(alice.Token)
		for what, credential := range map[string]string{
			"nothing":                        "",
			"a shared secret":                strings.Repeat("0123456789abcdef", 4),
			"a token never issued":           string(token.MintAPI()),
			"a token of another database":    string(foreign.Token),
			"a token cut short":              string(alice.Token)[:40],
			"a token with an end":            string(alice.Token) + " ",
			"a token in other letters":       strings.ToUpper(string(alice.Token)),
			"the id":                         alice.ID,
			"what the database holds":        fmt.Sprintf("%x", digest),
			"that with the prefix":           agentbridge.APITokenPrefix + fmt.Sprintf("%x", digest)[:49],
			"a token that has expired":       string(short.Token),
			"a token that was revoked":       string(gone.Token),
			"a token that was replaced":      string(old.Token),
			"SQL":                            "abr_api_' OR 1=1 --",
			"a megabyte":                     agentbridge.APITokenPrefix + strings.Repeat("A", 1<<20),
			"the token among others":         string(alice.Token) + "," + string(gone.Token),
			"the scheme of a header, and it": "Bearer " + string(alice.Token),
		} {
			turnAway(t, b, what, credential)
		}
		admit(t, b, alice.Token, "alice")
	})
}

// A token ends at the moment it says, for calls and for what is open.
func TestAuthenticate_expiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		issued := hireAs(t, b, agentbridge.NewAgent{Name: "alice", Lifetime: 90 * time.Second})
		time.Sleep(300 * time.Millisecond)
		p := admit(t, b, issued.Token, "alice")
		time.Sleep(89700*time.Millisecond - time.Nanosecond)
		lives(t, admit(t, b, issued.Token, "alice"))
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		ended(t, p, agentbridge.Unauthenticated)
		turnAway(t, b, "an expired token", string(issued.Token))
	})
}

func TestRotateAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		first := hire(t, b, "alice")
		old := admit(t, b, first.Token, "alice")
		second, err := b.Operator().RotateAgent(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		fresh := admit(t, b, second.Token, "alice")
		time.Sleep(agentbridge.RotationOverlap - time.Nanosecond)
		lives(t, old)
		admit(t, b, first.Token, "alice") // the holder may not have the new one yet
		before := lastEntry(t, b)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		ended(t, old, agentbridge.Unauthenticated)
		lives(t, fresh)

		for range 100 {
			turnAway(t, b, "a replaced token", string(first.Token))
		}
		wantAlarm(t, b, before, first.ID, 0)
		before = lastEntry(t, b)
		time.Sleep(time.Minute)
		turnAway(t, b, "a replaced token, later", string(first.Token))
		wantAlarm(t, b, before, first.ID, 99)
		lives(t, admit(t, b, second.Token, "alice"))
	})
}

// wantAlarm checks that exactly one entry came, about a token that was used
// after it had been replaced.
func wantAlarm(t *testing.T, b *bridgetest.Bridge, after int64, id string, leftOut int) {
	t.Helper()
	list := entries(t, b, after)
	if len(list) != 1 || list[0].Action != agentbridge.ActionTokenReuse || list[0].Action.Outcome() != agentbridge.Alarm || list[0].Target != "" {
		t.Errorf("entries %+v; want one alarm", list)
		return
	}
	var got map[string]any
	if err := json.Unmarshal(list[0].Detail, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"agent": "alice", "credential": id, "not_written_before": float64(leftOut)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("detail of the alarm: -want +got\n%s", diff)
	}
}

// Rotating again must not give the first token more time than it had left.
func TestRotateAgent_twice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		tokens := []agentbridge.APIToken{hire(t, b, "alice").Token}
		for range 3 {
			issued, err := b.Operator().RotateAgent(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, issued.Token)
			time.Sleep(40 * time.Second)
		}
		turnAway(t, b, "the first", string(tokens[0]))
		turnAway(t, b, "the second", string(tokens[1]))
		admit(t, b, tokens[2], "alice") // replaced 40 s ago
		admit(t, b, tokens[3], "alice")
		time.Sleep(20 * time.Second)
		turnAway(t, b, "the third", string(tokens[2]))
		admit(t, b, tokens[3], "alice")
	})
}

// Two relays on one database, which hear nothing of each other: what one ends
// is over in the other within five seconds, and what it adds is known at once.
func TestRevokeAgent_elsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		near, far := bridgetest.Open(t, dir, relay.Options{}), bridgetest.Open(t, dir, relay.Options{})
		if near.AuthRequired() || far.AuthRequired() {
			t.Error("AuthRequired() before there is an agent")
		}
		time.Sleep(10 * time.Second)
		alice, bob := hire(t, near, "alice"), hire(t, near, "bob")
		admit(t, far, alice.Token, "alice")
		if !near.AuthRequired() || !far.AuthRequired() {
			t.Error("AuthRequired() is false though there are agents")
		}
		p, others := admit(t, far, alice.Token, "alice"), admit(t, far, bob.Token, "bob")
		time.Sleep(time.Hour)
		lives(t, p)

		revoke(t, near, "alice")
		turnAway(t, near, "a revoked token, here", string(alice.Token))
		select {
		case <-p.Life.Done():
		case <-time.After(5 * time.Second):
		}
		ended(t, p, agentbridge.Unauthenticated)
		turnAway(t, far, "a revoked token, there", string(alice.Token))
		lives(t, others)
		lives(t, admit(t, far, bob.Token, "bob"))
		revoke(t, near, "bob")
		time.Sleep(5 * time.Second)
		if !near.AuthRequired() || !far.AuthRequired() {
			t.Error("the bridge is open again when all its agents were revoked")
		}
	})
}

// With its doorbell the other process hears of a revocation at once.
func TestRevokeAgent_heardElsewhere(t *testing.T) {
	dir := t.TempDir()
	listening := func() *relay.Relay {
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		st, err := sqlite.Open(filepath.Join(dir, bridgetest.Database), sqlite.Options{Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		r, err := relay.New(t.Context(), st, relay.Options{KeyFile: filepath.Join(dir, bridgetest.KeyFile), Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close(); _ = st.Close() })
		return r
	}
	near, far := listening(), listening()
	issued, err := near.Operator().AddAgent(t.Context(), agentbridge.NewAgent{Name: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := far.Authenticate(t.Context(), string(issued.Token))
	if err != nil {
		t.Fatal(err)
	}
	if err := near.Operator().RevokeAgent(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Life.Done():
	case <-time.After(5 * time.Second):
		t.Error("a revocation was not felt by another process within five seconds")
	}
}

// Using a token is written down about once an hour, not with each call.
func TestAuthenticate_used(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		start := time.Now().UTC()
		issued := hire(t, b, "alice")
		used := func() time.Time {
			t.Helper()
			synctest.Wait()
			info, err := b.Operator().Agent(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			return info.Credentials[0].UsedAt
		}
		if at := used(); !at.IsZero() {
			t.Errorf("UsedAt of a token nobody used = %v", at)
		}
		for range 59 {
			admit(t, b, issued.Token, "alice")
			time.Sleep(time.Minute)
		}
		if at := used(); !at.Equal(start) {
			t.Errorf("UsedAt = %v, want %v", at, start)
		}
		time.Sleep(time.Minute)
		admit(t, b, issued.Token, "alice")
		if at := used(); !at.Equal(start.Add(time.Hour)) {
			t.Errorf("UsedAt an hour later = %v, want %v", at, start.Add(time.Hour))
		}
	})
}

// A process that is asked one thing and ends has used its token all the same.
func TestAuthenticate_usedAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	b := bridgetest.Open(t, dir, relay.Options{})
	issued := hire(t, b, "alice")
	admit(t, b, issued.Token, "alice")
	b.Close()
	info, err := bridgetest.Open(t, dir, relay.Options{}).Operator().Agent(t.Context(), "alice")
	if err != nil || info.Credentials[0].UsedAt.IsZero() {
		t.Errorf("Agent() = %+v, %v; want a token that was used", info, err)
	}
}

func TestClose_endsLives(t *testing.T) {
	b := bridgetest.New(t)
	p := admit(t, b, hire(t, b, "alice").Token, "alice")
	b.Close()
	ended(t, p, agentbridge.Closed)
}

// Agents come and go while the token is in use from all sides.
func TestAuthenticate_race(t *testing.T) {
	b := bridgetest.Unlimited(t)
	stays := hire(t, b, "stays")
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if p, err := b.Authenticate(context.Background(), string(stays.Token)); err != nil || p.Name != "stays" {
					t.Errorf("Authenticate() = %q, %v", p.Name, err)
					return
				}
			}
		})
	}
	for i := range 15 {
		name := agentbridge.AgentName(fmt.Sprintf("agent-%d", i))
		issued := hire(t, b, name)
		p := admit(t, b, issued.Token, name)
		revoke(t, b, name)
		turnAway(t, b, "a revoked token", string(issued.Token))
		<-p.Life.Done()
	}
	stop()
	wg.Wait()
}

func BenchmarkAuthenticate(bm *testing.B) {
	b := bridgetest.New(bm)
	issued, err := b.Operator().AddAgent(bm.Context(), agentbridge.NewAgent{Name: "alice"})
	if err != nil {
		bm.Fatal(err)
	}
	bm.ReportAllocs()
	for bm.Loop() {
		if _, err := b.Authenticate(bm.Context(), string(issued.Token)); err != nil {
			bm.Fatal(err)
		}
	}
}
