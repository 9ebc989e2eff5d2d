package storetest

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// an agent as it may be kept, with everything set.
func agent(name agentbridge.AgentName) store.Agent {
	return store.Agent{
		Name:      name,
		Roles:     []agentbridge.AccessRole{agentbridge.RoleMember, agentbridge.RoleAuditor},
		Scopes:    []agentbridge.Scope{{Verb: agentbridge.VerbSend, Pattern: "payments:*"}, {Verb: agentbridge.VerbRead, Pattern: "*"}},
		CreatedAt: noon,
		Lifetime:  36 * time.Hour,
	}
}

func credential(id string, of agentbridge.AgentName, at time.Time) store.Credential {
	return store.Credential{ID: id, Agent: of, Digest: [32]byte{1, 2, 31: 3}, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
}

// employ keeps an agent.
func (d *desk) employ(a store.Agent) {
	d.Helper()
	d.must(func(t store.Tx) error { return t.PutAgent(a) })
}

// issue keeps a credential.
func (d *desk) issue(c store.Credential) {
	d.Helper()
	d.must(func(t store.Tx) error { return t.PutCredential(c) })
}

func (d *desk) agent(name agentbridge.AgentName) (a store.Agent, ok bool) {
	d.Helper()
	a = get(d, func(r store.Reader) (a store.Agent, err error) {
		a, ok, err = r.Agent(name)
		return a, err
	})
	return a, ok
}

func (d *desk) credential(id string) (c store.Credential, ok bool) {
	d.Helper()
	c = get(d, func(r store.Reader) (c store.Credential, err error) {
		c, ok, err = r.Credential(id)
		return c, err
	})
	return c, ok
}

func (d *desk) credentials(of agentbridge.AgentName) (ids []string) {
	d.Helper()
	return get(d, func(r store.Reader) ([]string, error) {
		list, err := r.Credentials(of)
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		return ids, err
	})
}

var agents = []test{
	{"are kept as they were given", func(d *desk) {
		full := agent(alice)
		full.Subject, full.RevokedAt = "https://issuer.example|42", noon.Add(time.Minute)
		bare := store.Agent{Name: "«Bob», the second", CreatedAt: noon}
		d.employ(full)
		d.employ(bare)
		d.reopen()
		for _, a := range []store.Agent{full, bare} {
			got, ok := d.agent(a.Name)
			want(d, "Agent found", ok, true)
			want(d, "Agent", got, a)
		}
		_, ok := d.agent(bob)
		want(d, "Agent of an unknown name", ok, false)
	}},
	{"are listed by name", func(d *desk) {
		for _, name := range []agentbridge.AgentName{"carol", alice, bob} {
			d.employ(agent(name))
		}
		names := get(d, func(r store.Reader) (names []agentbridge.AgentName, err error) {
			list, err := r.Agents()
			for _, a := range list {
				names = append(names, a.Name)
			}
			return names, err
		})
		want(d, "Agents", names, []agentbridge.AgentName{alice, bob, "carol"})
	}},
	{"are replaced, and keep their credentials", func(d *desk) {
		d.employ(agent(alice))
		d.issue(credential("00000001", alice, noon))
		changed := store.Agent{Name: alice, Roles: []agentbridge.AccessRole{agentbridge.RoleViewer}, Subject: "s",
			CreatedAt: noon.Add(1e9), RevokedAt: noon.Add(2e9), Lifetime: time.Second}
		d.employ(changed)
		got, _ := d.agent(alice)
		want(d, "Agent", got, changed)
		want(d, "Credentials", d.credentials(alice), []string{"00000001"})
	}},
	{"are not two for one subject", func(d *desk) {
		a, b := agent(alice), agent(bob)
		a.Subject, b.Subject = "s", "s"
		d.employ(a)
		if err := d.Update(context.Background(), func(t store.Tx) error { return t.PutAgent(b) }); err == nil {
			d.Error("PutAgent with another's subject: got no error, want one")
		}
		_, ok := d.agent(bob)
		want(d, "Agent found", ok, false)
	}},
}

var credentials = []test{
	{"are kept as they were given", func(d *desk) {
		d.employ(agent(alice))
		fresh := credential("00000001", alice, noon)
		old := credential("00000002", alice, noon)
		old.RotatedAt, old.UsedAt = noon.Add(time.Minute), noon.Add(time.Second)
		d.issue(fresh)
		d.issue(old)
		d.reopen()
		for _, c := range []store.Credential{fresh, old} {
			got, ok := d.credential(c.ID)
			want(d, "Credential found", ok, true)
			want(d, "Credential", got, c)
		}
		_, ok := d.credential("00000003")
		want(d, "Credential of an unknown id", ok, false)
	}},
	{"are listed newest first, each with its agent's", func(d *desk) {
		d.employ(agent(alice))
		d.employ(agent(bob))
		d.issue(credential("00000001", alice, noon))
		d.issue(credential("00000003", alice, noon.Add(1e9)))
		d.issue(credential("00000002", bob, noon))
		want(d, "Credentials", d.credentials(alice), []string{"00000003", "00000001"})
		want(d, "Credentials of another", d.credentials(bob), []string{"00000002"})
		want(d, "Credentials of nobody", d.credentials("nobody"), nil)
	}},
	{"are replaced", func(d *desk) {
		d.employ(agent(alice))
		c := credential("00000001", alice, noon)
		d.issue(c)
		c.ExpiresAt, c.RotatedAt, c.UsedAt = noon, noon.Add(time.Second), noon.Add(time.Minute)
		d.issue(c)
		got, _ := d.credential(c.ID)
		want(d, "Credential", got, c)
	}},
	{"never become another's, nor another token's", func(d *desk) {
		d.employ(agent(alice))
		d.employ(agent(bob))
		c := credential("00000001", alice, noon)
		d.issue(c)
		others, another := c, c
		others.Agent = bob
		another.Digest[0]++
		for _, x := range []store.Credential{others, another} {
			err := d.Update(context.Background(), func(t store.Tx) error { return t.PutCredential(x) })
			want(d, "PutCredential", agentbridge.CodeOf(err), agentbridge.Conflict)
		}
		got, _ := d.credential(c.ID)
		want(d, "Credential", got, c)
	}},
	{"belong to agents that are there", func(d *desk) {
		err := d.Update(context.Background(), func(t store.Tx) error { return t.PutCredential(credential("00000001", alice, noon)) })
		if err == nil {
			d.Error("PutCredential of an unknown agent: got no error, want one")
		}
	}},
}
