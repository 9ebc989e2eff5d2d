package relay_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"

	"github.com/google/go-cmp/cmp"
)

// identity is what an identity provider says of somebody.
type identity struct {
	subject string
	name    agentbridge.AgentName
	roles   []agentbridge.AccessRole
	scopes  []agentbridge.Scope
	expires time.Time
}

// carol has a token for another hour.
func carol() identity {
	return identity{"https://issuer.example|7", "carol", []agentbridge.AccessRole{agentbridge.RoleMember},
		[]agentbridge.Scope{{Verb: agentbridge.VerbRead, Pattern: "*"}}, time.Now().Add(time.Hour)}
}

func (i identity) admit(t *testing.T, b *bridgetest.Bridge) (agentbridge.Principal, error) {
	t.Helper()
	return b.Admit(t.Context(), i.subject, i.name, i.roles, i.scopes, i.expires)
}

func (i identity) mustAdmit(t *testing.T, b *bridgetest.Bridge) agentbridge.Principal {
	t.Helper()
	p, err := i.admit(t, b)
	if err != nil {
		t.Fatalf("Admit(%q as %s) = %v", i.subject, i.name, err)
	}
	if diff := cmp.Diff(i.roles, p.Roles) + cmp.Diff(i.scopes, p.Scopes); diff != "" || p.Name != i.name {
		t.Fatalf("Admit(%q as %s) = %s, roles and scopes: -want +got\n%s", i.subject, i.name, p.Name, diff)
	}
	return p
}

func TestAdmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		if b.AuthRequired() {
			t.Error("AuthRequired() before there is an agent")
		}
		start := time.Now().UTC()
		i := carol()
		p := i.mustAdmit(t, b)
		if again := i.mustAdmit(t, b); again.Life != p.Life {
			t.Error("two calls by one token have two lives")
		}
		if !b.AuthRequired() {
			t.Error("AuthRequired() is false though somebody is known")
		}
		var got []string
		for _, e := range entries(t, b, 0) {
			got = append(got, line(t, e))
		}
		if diff := cmp.Diff([]string{"carol agent_add  [name roles scopes subject]"}, got); diff != "" {
			t.Errorf("entries: -want +got\n%s", diff)
		}

		// Her next token says otherwise, and what it says counts.
		time.Sleep(time.Minute)
		next := carol()
		next.roles, next.scopes = []agentbridge.AccessRole{agentbridge.RoleViewer}, nil
		second := next.mustAdmit(t, b)
		info, err := b.Operator().Agent(t.Context(), "carol")
		want := agentbridge.AgentInfo{Name: "carol", Roles: next.roles, Subject: i.subject, CreatedAt: start}
		if diff := cmp.Diff(want, info); err != nil || diff != "" {
			t.Errorf("Agent(carol): %v, -want +got\n%s", err, diff)
		}
		i.mustAdmit(t, b) // the first one still stands for what it says
		got = nil
		for _, e := range entries(t, b, 1) {
			got = append(got, line(t, e))
			if d := string(e.Detail); !strings.Contains(d, `"roles":["viewer"]`) || !strings.Contains(d, `"scopes":[]`) {
				t.Errorf("the entry says %s", d)
			}
		}
		if diff := cmp.Diff([]string{"carol agent_change  [name roles scopes subject]"}, got); diff != "" {
			t.Errorf("entries of a second token: -want +got\n%s", diff)
		}

		time.Sleep(59 * time.Minute)
		synctest.Wait()
		ended(t, p, agentbridge.Unauthenticated)
		lives(t, second)
		_, err = i.admit(t, b)
		bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
	})
}

// An identity provider vouches for who somebody is there, not for who is who
// here: it can't make anybody one of the bridge's own agents, nor another's.
func TestAdmit_refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		hire(t, b, "alice")
		carol().mustAdmit(t, b)
		before := lastEntry(t, b)
		for what, change := range map[string]func(*identity){
			"no subject":                        func(i *identity) { i.subject = "" },
			"a token that has expired":          func(i *identity) { i.expires = time.Now() },
			"a name with credentials here":      func(i *identity) { i.name = "alice" },
			"a look-alike of it":                func(i *identity) { i.name = "Аlice"; i.subject = "x" },
			"another's name":                    func(i *identity) { i.subject = "https://issuer.example|8" },
			"that in capitals":                  func(i *identity) { i.name = "CAROL"; i.subject = "x" },
			"another name for a known subject":  func(i *identity) { i.name = "caroline" },
			"a name of the bridge's":            func(i *identity) { i.name = "operator"; i.subject = "x" },
			"a name below another":              func(i *identity) { i.name = "carol/x"; i.subject = "x" },
			"a name that is none":               func(i *identity) { i.name = "\x1b[2J"; i.subject = "x" },
			"a name that would be another here": func(i *identity) { i.name = "ｄａｖｅ"; i.subject = "x" },
			"no name":                           func(i *identity) { i.name = ""; i.subject = "x" },
		} {
			i := carol()
			change(&i)
			p, err := i.admit(t, b)
			if agentbridge.CodeOf(err) != agentbridge.Unauthenticated || err.Error() != refusal(t, b) || p.Verified() {
				t.Errorf("Admit(%s) = %q, %v; want the one refusal", what, p.Name, err)
			}
		}
		if last := lastEntry(t, b); last != before {
			t.Errorf("refused identities wrote %d entries", last-before)
		}
	})
}

// Whoever was revoked here stays out, whatever the identity provider says, and
// in the other process too.
func TestAdmit_revoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		near, far := bridgetest.Open(t, dir, relay.Options{}), bridgetest.Open(t, dir, relay.Options{})
		i := carol()
		p := i.mustAdmit(t, far)
		revoke(t, near, "carol")
		select {
		case <-p.Life.Done():
		case <-time.After(5 * time.Second):
		}
		ended(t, p, agentbridge.Unauthenticated)
		for _, b := range []*bridgetest.Bridge{near, far} {
			_, err := carol().admit(t, b)
			bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
		}
		_, err := near.Operator().RotateAgent(t.Context(), "carol")
		bridgetest.WantErr(t, agentbridge.Conflict, err)
	})
}
