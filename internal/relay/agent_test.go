package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"

	"github.com/google/go-cmp/cmp"
)

// hire adds an agent who may do all that members may.
func hire(t *testing.T, b *bridgetest.Bridge, name agentbridge.AgentName) agentbridge.Issued {
	t.Helper()
	return hireAs(t, b, agentbridge.NewAgent{Name: name})
}

func hireAs(t *testing.T, b *bridgetest.Bridge, a agentbridge.NewAgent) agentbridge.Issued {
	t.Helper()
	issued, err := b.Operator().AddAgent(t.Context(), a)
	if err != nil {
		t.Fatalf("AddAgent(%s) = %v", a.Name, err)
	}
	return issued
}

func TestAddAgent_defaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		for role, scopes := range map[agentbridge.AccessRole]string{
			"":                       "read:* send:*",
			agentbridge.RoleViewer:   "read:*",
			agentbridge.RoleMember:   "read:* send:*",
			agentbridge.RoleOperator: "read:* send:* clear:*",
			agentbridge.RoleApprover: "read:*",
			agentbridge.RoleAuditor:  "",
			agentbridge.RoleAdmin:    "read:* send:* clear:*",
		} {
			n := agentbridge.NewAgent{Name: "agent-" + agentbridge.AgentName(role)}
			want := role
			if role == "" {
				n.Name, want = "plain", agentbridge.RoleMember
			} else {
				n.Roles = []agentbridge.AccessRole{role, role}
			}
			issued := hireAs(t, b, n)
			var got []string
			for _, s := range issued.Agent.Scopes {
				got = append(got, s.String())
			}
			if diff := cmp.Diff(scopes, strings.Join(got, " ")); diff != "" {
				t.Errorf("scopes of role %q: -want +got\n%s", role, diff)
			}
			if diff := cmp.Diff([]agentbridge.AccessRole{want}, issued.Agent.Roles); diff != "" {
				t.Errorf("roles: -want +got\n%s", diff)
			}
			if c := issued.Agent.Credentials; len(c) != 1 || c[0].ID != issued.ID || !c[0].ExpiresAt.Equal(time.Now().Add(agentbridge.MaxLifetime)) {
				t.Errorf("credentials of role %q: %+v; want the one that was issued, for %v", role, c, agentbridge.MaxLifetime)
			}
		}
	})
}

// What an operator gives in error must not look as if it had been given.
func TestAddAgent_refuses(t *testing.T) {
	b := bridgetest.New(t)
	hire(t, b, "alice")
	hire(t, b, "mac-reviewer")
	type roles = []agentbridge.AccessRole
	type scopes = []agentbridge.Scope
	for _, c := range []struct {
		what string
		a    agentbridge.NewAgent
		code agentbridge.Code
		says string
	}{
		{"no name", agentbridge.NewAgent{}, agentbridge.Required, "name"},
		{"a taken name", agentbridge.NewAgent{Name: "alice"}, agentbridge.Conflict, "is taken"},
		{"a name in capitals", agentbridge.NewAgent{Name: "Alice"}, agentbridge.Reserved, `looks like "alice"`},
		{"a name in other letters", agentbridge.NewAgent{Name: "аӏісе"}, agentbridge.Reserved, `looks like "alice"`},
		{"a dash of another length", agentbridge.NewAgent{Name: "mac‑reviewer"}, agentbridge.Reserved, `looks like "mac-reviewer"`},
		{"the bridge's name", agentbridge.NewAgent{Name: "System"}, agentbridge.Reserved, "reserved"},
		{"the log's word for strangers", agentbridge.NewAgent{Name: "Local"}, agentbridge.Reserved, "audit log"},
		{"a seat", agentbridge.NewAgent{Name: "b"}, agentbridge.Reserved, "audit log"},
		{"a slash", agentbridge.NewAgent{Name: "alice/two"}, agentbridge.InvalidFormat, `"/"`},
		{"a line", agentbridge.NewAgent{Name: "a\nb"}, agentbridge.ControlCharacter, "name"},
		{"an unknown role", agentbridge.NewAgent{Name: "bob", Roles: roles{"root"}}, agentbridge.InvalidValue, "member"},
		{"a scope beyond the role", agentbridge.NewAgent{Name: "bob", Scopes: scopes{{Verb: "clear", Pattern: "payments:*"}}}, agentbridge.InvalidValue, "role that may clear: operator, admin"},
		{"a scope for an auditor", agentbridge.NewAgent{Name: "bob", Roles: roles{"auditor"}, Scopes: scopes{{Verb: "read", Pattern: "*"}}}, agentbridge.InvalidValue, "role that may read"},
		{"an unknown verb", agentbridge.NewAgent{Name: "bob", Scopes: scopes{{Verb: "own", Pattern: "*"}}}, agentbridge.InvalidFormat, "read:"},
		{"two scopes in one", agentbridge.NewAgent{Name: "bob", Scopes: scopes{{Verb: "read", Pattern: "a,clear:*"}}}, agentbridge.InvalidValue, "clear"},
		{"a day too long", agentbridge.NewAgent{Name: "bob", Lifetime: agentbridge.MaxLifetime + time.Second}, agentbridge.OutOfRange, "90d"},
		{"no time at all", agentbridge.NewAgent{Name: "bob", Lifetime: -1}, agentbridge.OutOfRange, "90d"},
	} {
		issued, err := b.Operator().AddAgent(t.Context(), c.a)
		if agentbridge.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || issued.Token != "" {
			t.Errorf("AddAgent(%s) = %v; want %q and a word about %q", c.what, err, c.code, c.says)
		}
	}
	_, err := b.Operator().Agent(t.Context(), "bob")
	bridgetest.WantErr(t, agentbridge.NotFound, err)
}

// Two operators give one name away at the same moment.
func TestAddAgent_race(t *testing.T) {
	b := bridgetest.New(t)
	var wg sync.WaitGroup
	results := make([]error, 20)
	for i := range results {
		wg.Go(func() {
			_, results[i] = b.Operator().AddAgent(context.Background(), agentbridge.NewAgent{Name: "alice"})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else {
			bridgetest.WantErr(t, agentbridge.Conflict, err)
		}
	}
	info, err := b.Operator().Agent(t.Context(), "alice")
	if won != 1 || err != nil || len(info.Credentials) != 1 {
		t.Errorf("%d of %d got the name, with %d tokens, %v; want one, with one", won, len(results), len(info.Credentials), err)
	}
}

func TestAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		start := time.Now().UTC()
		bob := hireAs(t, b, agentbridge.NewAgent{Name: "bob", Lifetime: 36 * time.Hour, Roles: []agentbridge.AccessRole{agentbridge.RoleViewer}})
		hire(t, b, "alice")
		time.Sleep(time.Hour)
		rotated, err := b.Operator().RotateAgent(t.Context(), "bob")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Authenticate(t.Context(), string(rotated.Token)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		list, err := b.Operator().Agents(t.Context())
		if err != nil || len(list) != 2 || list[0].Name != "alice" {
			t.Fatalf("Agents() = %+v, %v; want alice and bob", list, err)
		}
		want := agentbridge.AgentInfo{Name: "bob", Roles: bob.Agent.Roles, Scopes: bob.Agent.Scopes, CreatedAt: start,
			Credentials: []agentbridge.CredentialInfo{
				{ID: rotated.ID, CreatedAt: start.Add(time.Hour), ExpiresAt: start.Add(37 * time.Hour), UsedAt: start.Add(time.Hour)},
				{ID: bob.ID, CreatedAt: start, ExpiresAt: start.Add(time.Hour + agentbridge.RotationOverlap), RotatedAt: start.Add(time.Hour)},
			}}
		if diff := cmp.Diff(want, list[1]); diff != "" {
			t.Errorf("Agents(): -want +got\n%s", diff)
		}
		one, err := b.Operator().Agent(t.Context(), "bob")
		if diff := cmp.Diff(want, one); err != nil || diff != "" {
			t.Errorf("Agent(bob): %v, -want +got\n%s", err, diff)
		}
	})
}

func TestAgents_changesAreWrittenDown(t *testing.T) {
	b := bridgetest.New(t)
	ctx, operator := t.Context(), b.Operator()
	var issued, rotated agentbridge.Issued
	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"add", func() { issued = hire(t, b, "alice") }, []string{"operator agent_add  [credential expires_at name roles scopes]"}},
		{"add again", func() { _, _ = operator.AddAgent(ctx, agentbridge.NewAgent{Name: "alice"}) }, nil},
		{"look", func() { _, _ = operator.Agents(ctx); _, _ = operator.Agent(ctx, "alice") }, nil},
		{"rotate", func() { rotated, _ = operator.RotateAgent(ctx, "alice") }, []string{"operator agent_rotate  [credential expires_at name replaced roles scopes]"}},
		{"rotate nobody", func() { _, _ = operator.RotateAgent(ctx, "nobody") }, nil},
		{"revoke", func() { _ = operator.RevokeAgent(ctx, "alice") }, []string{"operator agent_revoke  [credentials expires_at name roles scopes]"}},
		{"revoke again", func() { _ = operator.RevokeAgent(ctx, "alice") }, nil},
		{"rotate what was revoked", func() { _, _ = operator.RotateAgent(ctx, "alice") }, nil},
		{"add what was revoked", func() { _, _ = operator.AddAgent(ctx, agentbridge.NewAgent{Name: "alice"}) }, nil},
	} {
		before := lastEntry(t, b)
		step.do()
		var got []string
		for _, e := range entries(t, b, before) {
			got = append(got, line(t, e))
			var about struct {
				Name   string   `json:"name"`
				Roles  []string `json:"roles"`
				Scopes []string `json:"scopes"`
			}
			if err := json.Unmarshal(e.Detail, &about); err != nil || about.Name != "alice" || cmp.Diff([]string{"read:*", "send:*"}, about.Scopes) != "" {
				t.Errorf("%s: entry %s, %v; want alice with her scopes", step.what, e.Detail, err)
			}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", step.what, diff)
		}
	}
	if issued.Token == "" || rotated.Token == "" || issued.Token == rotated.Token {
		t.Error("AddAgent and RotateAgent did not return two tokens")
	}
}

// Mallory has a copy of all files but the key, of a bridge at work. No token is
// in there, nor so much of one that the rest could be guessed.
func TestAgents_stolenDatabase(t *testing.T) {
	dir := t.TempDir()
	b := bridgetest.Open(t, dir, relay.Options{})
	alice := hire(t, b, "alice")
	rotated, err := b.Operator().RotateAgent(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	for _, minted := range []agentbridge.APIToken{alice.Token, rotated.Token} {
		p, err := b.Authenticate(t.Context(), string(minted))
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.Open(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		bridgetest.NewAgent(t, s, "alice").MustSend("#build", "my token is "+string(minted)+", keep it") // also if she gives it away
	}
	b.Close()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 {
		t.Fatalf("ReadDir() = %v, %v", files, err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, minted := range []agentbridge.APIToken{alice.Token, rotated.Token} {
			secret := strings.TrimPrefix(string(minted), agentbridge.APITokenPrefix)
			for i := 0; i+8 <= len(secret); i++ {
				if bytes.Contains(content, []byte(secret[i:i+8])) {
					t.Errorf("%s holds the characters %d to %d of a token", f.Name(), i, i+8)
				}
			}
		}
	}
}
