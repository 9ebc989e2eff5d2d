package relay

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// This file says what an agent may be called and what it may be given.

// taken are names by which the audit log calls whoever has none: callers without
// a token, and the seats of conversations.
var taken = []agentbridge.AgentName{unverified, agentbridge.SeatA.Agent(), agentbridge.SeatB.Agent()}

// parseAgent checks the name of an agent. A slash would make it look like a part
// of another agent: cursors are called agent/part.
func parseAgent(field, s string) (agentbridge.AgentName, error) {
	name, err := agentbridge.ParseAgentName(field, s)
	if err == nil && strings.Contains(string(name), "/") {
		return "", agentbridge.Refuse(agentbridge.InvalidFormat, field, `must not hold "/"; an agent's cursors may be called by its name, "/" and anything`)
	}
	if err == nil && slices.ContainsFunc(taken, func(t agentbridge.AgentName) bool { return appearance(t) == appearance(name) }) {
		return "", agentbridge.Refuse(agentbridge.Reserved, field, "is how the audit log calls somebody without a name; take a longer one, such as mac-reviewer")
	}
	return name, err
}

// unlikeAgents refuses a name that a reader would take for that of an agent,
// and an identity that is known by another name.
func unlikeAgents(v store.Reader, name agentbridge.AgentName, subject string) error {
	list, err := v.Agents()
	if err != nil {
		return err
	}
	looks := appearance(name)
	for _, a := range list {
		if appearance(a.Name) == looks {
			return looksLike("name", string(a.Name))
		}
		if subject != "" && a.Subject == subject {
			return agentbridge.Refuse(agentbridge.Conflict, "name", "is new, and this identity is known as %q", a.Name)
		}
	}
	return nil
}

// appearance is what a hasty reader remembers of a name.
func appearance(name agentbridge.AgentName) string {
	return strings.ToLower(agentbridge.LookAlike(string(name)))
}

// newAgent checks what an agent shall be, and fills in what is not said.
func newAgent(n agentbridge.NewAgent) (a store.Agent, err error) {
	if a.Name, err = parseAgent("name", string(n.Name)); err != nil {
		return a, err
	}
	for _, r := range n.Roles {
		if r, err = agentbridge.ParseAccessRole("role", string(r)); err != nil {
			return a, err
		}
		if !slices.Contains(a.Roles, r) {
			a.Roles = append(a.Roles, r)
		}
	}
	if len(a.Roles) == 0 {
		a.Roles = []agentbridge.AccessRole{agentbridge.RoleMember}
	}
	if a.Scopes, err = scopesFor(a.Roles, n.Scopes); err != nil {
		return a, err
	}
	a.Lifetime = cmp.Or(n.Lifetime, agentbridge.MaxLifetime).Truncate(time.Second)
	if a.Lifetime < time.Second || a.Lifetime > agentbridge.MaxLifetime {
		return a, agentbridge.Refuse(agentbridge.OutOfRange, "expires", "must be at least 1s and at most %dd; the token can be rotated before it expires", agentbridge.MaxLifetime/(24*time.Hour))
	}
	a.CreatedAt = stamp()
	return a, nil
}

// scopesFor checks that each scope is of use to some role: whoever gives a scope
// believes that it lets the agent do something. No scopes mean all.
func scopesFor(roles []agentbridge.AccessRole, scopes []agentbridge.Scope) ([]agentbridge.Scope, error) {
	if len(scopes) == 0 {
		for _, verb := range []agentbridge.Verb{agentbridge.VerbRead, agentbridge.VerbSend, agentbridge.VerbClear} {
			if intersect(rolesFor(verb), roles) {
				scopes = append(scopes, agentbridge.Scope{Verb: verb, Pattern: "*"})
			}
		}
		return scopes, nil
	}
	checked, err := agentbridge.ParseScopes("scope", scopeList(scopes)) // as they will be read back
	if err != nil {
		return nil, err
	}
	for _, s := range checked {
		if may := rolesFor(s.Verb); !intersect(may, roles) {
			return nil, agentbridge.Refuse(agentbridge.InvalidValue, "scope",
				"%s is of no use to the role %s; leave it out, or give a role that may %s: %s", s, joined(roles, ", "), s.Verb, joined(may, ", "))
		}
	}
	return checked, nil
}

// rolesFor are the roles that a scope with this verb means anything to.
func rolesFor(verb agentbridge.Verb) (roles []agentbridge.AccessRole) {
	for _, role := range agentbridge.AccessRoles() {
		for op := range rules {
			if rules[op].verb == verb && slices.Contains(rules[op].roles, role) {
				roles = append(roles, role)
				break
			}
		}
	}
	return roles
}

func intersect(a, b []agentbridge.AccessRole) bool {
	return slices.ContainsFunc(a, func(r agentbridge.AccessRole) bool { return slices.Contains(b, r) })
}

func joined(roles []agentbridge.AccessRole, by string) string {
	var texts []string
	for _, r := range roles {
		texts = append(texts, string(r))
	}
	return strings.Join(texts, by)
}
