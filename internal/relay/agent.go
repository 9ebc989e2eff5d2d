package relay

import (
	"context"
	"strconv"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/token"
)

// agentsSetting is where the store counts the changes of its agents: whoever
// finds it as it was need not read them again.
const agentsSetting = "agents_version"

// agentsVersion returns that number, and whether any agent is known.
func agentsVersion(v store.Reader) (version string, known bool, err error) {
	if version, known, err = v.Setting(agentsSetting); err != nil || known {
		return version, known, err
	}
	list, err := v.Agents()
	return "", len(list) > 0, err
}

// agentsChanged writes down a change of agents. Its entry belongs to no channel;
// that rings for the relays of all processes, which then look.
func agentsChanged(t store.Tx, e agentbridge.Entry) error {
	version, _, err := t.Setting(agentsSetting)
	if err != nil {
		return err
	}
	n, _ := strconv.ParseInt(version, 10, 64) // "" counts as 0
	if err := t.PutSetting(agentsSetting, strconv.FormatInt(n+1, 10)); err != nil {
		return err
	}
	return t.Log(e)
}

// introduce makes an agent known. Cursors under its name are gone then: whoever
// left them could have had it pass over messages that it never saw. It reads
// from the beginning, and perhaps some twice.
func introduce(t store.Tx, a store.Agent) error {
	if err := t.DropCursors(a.Name); err != nil {
		return err
	}
	return t.PutAgent(a)
}

// AddAgent implements agentbridge.Admin.
func (o operator) AddAgent(ctx context.Context, n agentbridge.NewAgent) (issued agentbridge.Issued, err error) {
	a, err := newAgent(n)
	if err != nil {
		return issued, err
	}
	err = o.store.Update(ctx, func(t store.Tx) error {
		_, taken, err := t.Agent(a.Name)
		if err != nil {
			return err
		}
		if taken {
			return agentbridge.Refuse(agentbridge.Conflict, "name", "is taken; choose another, or give that agent a new token with: agentbridge agent rotate")
		}
		if err := unlikeAgents(t, a.Name, ""); err != nil {
			return err
		}
		if err := introduce(t, a); err != nil {
			return err
		}
		c, minted, err := issue(t, a)
		if err != nil {
			return err
		}
		issued = agentbridge.Issued{Agent: agentInfo(a, c), Token: minted, ID: c.ID}
		return agentsChanged(t, agentEntry(agentbridge.ActionAgentAdd, a, map[string]any{"credential": c.ID, "expires_at": c.ExpiresAt}))
	})
	if err != nil {
		return agentbridge.Issued{}, err
	}
	return issued, nil
}

// issue makes a token for an agent and keeps what may be kept of it.
func issue(t store.Tx, a store.Agent) (store.Credential, agentbridge.APIToken, error) {
	for {
		minted := token.MintAPI()
		digest := token.DigestOf(minted)
		c := store.Credential{ID: token.IDOf(digest), Agent: a.Name, Digest: digest, CreatedAt: stamp()}
		c.ExpiresAt = c.CreatedAt.Add(a.Lifetime)
		if _, taken, err := t.Credential(c.ID); err != nil || taken {
			if err != nil {
				return c, "", err
			}
			continue // of two tokens with one id, which is rare, only one could be looked up
		}
		return c, minted, t.PutCredential(c)
	}
}

// agentEntry is what the audit log keeps of a change: who it was about, and
// never a token.
func agentEntry(action agentbridge.Action, a store.Agent, more map[string]any) agentbridge.Entry {
	more["name"], more["roles"], more["scopes"] = a.Name, a.Roles, scopeTexts(a.Scopes)
	return agentbridge.Entry{At: time.Now(), Actor: operatorName, Action: action, Detail: detail(more)}
}

// RotateAgent implements agentbridge.Admin.
func (o operator) RotateAgent(ctx context.Context, name agentbridge.AgentName) (issued agentbridge.Issued, err error) {
	err = o.store.Update(ctx, func(t store.Tx) error {
		a, err := knownAgent(t, name)
		switch {
		case err != nil:
			return err
		case !a.RevokedAt.IsZero():
			return agentbridge.Refuse(agentbridge.Conflict, "name", "was revoked, and stays so; add an agent with another name")
		case a.Subject != "":
			return agentbridge.Refuse(agentbridge.Conflict, "name", "is known from an identity provider; its tokens come from there")
		}
		now := stamp()
		replaced, err := retire(t, a.Name, now.Add(agentbridge.RotationOverlap), now)
		if err != nil {
			return err
		}
		c, minted, err := issue(t, a)
		if err != nil {
			return err
		}
		all, err := t.Credentials(a.Name)
		if err != nil {
			return err
		}
		issued = agentbridge.Issued{Agent: agentInfo(a, all...), Token: minted, ID: c.ID}
		return agentsChanged(t, agentEntry(agentbridge.ActionAgentRotate, a, map[string]any{
			"credential": c.ID, "expires_at": c.ExpiresAt, "replaced": replaced}))
	})
	if err != nil {
		return agentbridge.Issued{}, err
	}
	return issued, nil
}

// retire has the live credentials of an agent expire at a time, if they would
// later, and returns their ids. With rotated they are marked as replaced then.
func retire(t store.Tx, name agentbridge.AgentName, until, rotated time.Time) (ids []string, err error) {
	list, err := t.Credentials(name)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if !c.ExpiresAt.After(time.Now()) {
			continue
		}
		if until.Before(c.ExpiresAt) {
			c.ExpiresAt = until
		}
		if c.RotatedAt.IsZero() {
			c.RotatedAt = rotated
		}
		if err := t.PutCredential(c); err != nil {
			return nil, err
		}
		ids = append(ids, c.ID)
	}
	return ids, nil
}

// RevokeAgent implements agentbridge.Admin. To revoke again changes nothing.
func (o operator) RevokeAgent(ctx context.Context, name agentbridge.AgentName) error {
	return o.store.Update(ctx, func(t store.Tx) error {
		a, err := knownAgent(t, name)
		if err != nil || !a.RevokedAt.IsZero() {
			return err
		}
		a.RevokedAt = stamp()
		if err := t.PutAgent(a); err != nil {
			return err
		}
		ended, err := retire(t, a.Name, a.RevokedAt, time.Time{})
		if err != nil {
			return err
		}
		return agentsChanged(t, agentEntry(agentbridge.ActionAgentRevoke, a, map[string]any{"credentials": ended, "expires_at": a.RevokedAt}))
	})
}

func knownAgent(v store.Reader, name agentbridge.AgentName) (store.Agent, error) {
	a, ok, err := v.Agent(name)
	if err == nil && !ok {
		err = agentbridge.Refuse(agentbridge.NotFound, "", "no agent is called %q; list them with: agentbridge agent list", name)
	}
	return a, err
}

// Agents implements agentbridge.Admin.
func (o operator) Agents(ctx context.Context) (infos []agentbridge.AgentInfo, err error) {
	err = o.store.View(ctx, func(v store.Reader) error {
		list, err := v.Agents()
		if err != nil {
			return err
		}
		for _, a := range list {
			all, err := v.Credentials(a.Name)
			if err != nil {
				return err
			}
			infos = append(infos, agentInfo(a, all...))
		}
		return nil
	})
	return infos, err
}

// Agent implements agentbridge.Admin.
func (o operator) Agent(ctx context.Context, name agentbridge.AgentName) (info agentbridge.AgentInfo, err error) {
	err = o.store.View(ctx, func(v store.Reader) error {
		a, err := knownAgent(v, name)
		if err != nil {
			return err
		}
		all, err := v.Credentials(a.Name)
		info = agentInfo(a, all...)
		return err
	})
	return info, err
}

func agentInfo(a store.Agent, credentials ...store.Credential) agentbridge.AgentInfo {
	info := agentbridge.AgentInfo{Name: a.Name, Roles: a.Roles, Scopes: a.Scopes, Subject: a.Subject, CreatedAt: a.CreatedAt, RevokedAt: a.RevokedAt}
	for _, c := range credentials {
		info.Credentials = append(info.Credentials, agentbridge.CredentialInfo{
			ID: c.ID, CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt, RotatedAt: c.RotatedAt, UsedAt: c.UsedAt})
	}
	return info
}
