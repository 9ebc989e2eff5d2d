package relay

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/token"
)

// errNotAdmitted is the answer to every credential that does not admit. It does
// not say why: whoever guesses learns nothing, and whoever's token has expired
// needs what everybody else does who comes with a wrong one.
var errNotAdmitted = agentbridge.Refuse(agentbridge.Unauthenticated, "",
	"this token does not admit: it is unknown, has expired or was revoked; ask the bridge's operator for a new one")

// errForgotten ends what may be good still, but has to be looked at anew.
var errForgotten = &agentbridge.Error{Code: agentbridge.Busy, RetryAfter: time.Second,
	Message: "the bridge has to look at this token anew; retry the operation"}

var errClosing = agentbridge.Refuse(agentbridge.Closed, "", "the bridge is shutting down; reconnect and retry")

// AuthRequired tells whether requests without a credential are refused: that is
// so as soon as any agent is known, and while it can't be found out.
func (r *Relay) AuthRequired() bool {
	r.roster.mu.Lock()
	known := r.roster.known
	r.roster.mu.Unlock()
	if known || r.current(context.Background()) != nil {
		return true
	}
	r.roster.mu.Lock()
	defer r.roster.mu.Unlock()
	return r.roster.known
}

// Authenticate returns the principal of a token that the bridge issued. Every
// other text is refused as Unauthenticated, always in the same words; an error
// of another kind means that the store could not be asked, and admits nobody.
// The principal's Life ends when the token expires or is revoked, by whichever
// process.
func (r *Relay) Authenticate(ctx context.Context, credential string) (agentbridge.Principal, error) {
	minted, ok := token.ParseAPI(credential)
	if !ok {
		return agentbridge.Principal{}, errNotAdmitted
	}
	if err := r.current(ctx); err != nil {
		return agentbridge.Principal{}, err
	}
	digest := token.DigestOf(minted)
	now := time.Now()
	a := r.roster.find(token.IDOf(digest), digest, now)
	if a == nil {
		var err error
		if a, err = r.meet(ctx, digest, now); err != nil {
			return agentbridge.Principal{}, err
		}
	}
	return a.principal, nil
}

// meet looks a token up that is not at hand.
func (r *Relay) meet(ctx context.Context, digest [32]byte, now time.Time) (*admission, error) {
	var version string
	var c store.Credential
	var of store.Agent
	err := r.store.Glance(ctx, func(v store.Reader) (err error) {
		var ok bool
		if version, _, err = agentsVersion(v); err != nil {
			return err
		}
		c, ok, err = v.Credential(token.IDOf(digest))
		if err != nil {
			return err
		}
		if !ok || subtle.ConstantTimeCompare(c.Digest[:], digest[:]) == 0 {
			return errNotAdmitted
		}
		of, _, err = v.Agent(c.Agent)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !c.RotatedAt.IsZero() && !now.Before(c.RotatedAt.Add(agentbridge.RotationOverlap)) {
		r.reused(ctx, c, now)
	}
	if !good(of, c, now) {
		return nil, errNotAdmitted
	}
	r.roster.keep(newAdmission(admission{
		key: c.ID, digest: c.Digest, until: c.ExpiresAt, version: version, used: c.UsedAt,
		principal: agentbridge.Principal{Name: of.Name, Roles: of.Roles, Scopes: of.Scopes},
	}))
	if a := r.roster.find(c.ID, digest, now); a != nil { // and notes that it was used
		return a, nil
	}
	return nil, errForgotten
}

// good tells whether a credential admits, given its agent.
func good(of store.Agent, c store.Credential, now time.Time) bool {
	return of.Name != "" && of.RevokedAt.IsZero() && of.Name == c.Agent && now.Before(c.ExpiresAt)
}

// reused raises the alarm: the holder of a token got a new one in its place, and
// somebody still has the old one.
func (r *Relay) reused(ctx context.Context, c store.Credential, now time.Time) {
	write, leftOut := r.denials.count(attempt{reason: string(agentbridge.ActionTokenReuse) + " " + c.ID}, now)
	if !write {
		return
	}
	r.log.Warn("a token was used that had been replaced by rotation: somebody has a copy of it", "agent", c.Agent, "id", c.ID)
	err := r.store.Update(context.WithoutCancel(ctx), func(t store.Tx) error {
		return t.Log(agentbridge.Entry{At: now, Actor: unverified, Action: agentbridge.ActionTokenReuse,
			Detail: detail(map[string]any{"agent": c.Agent, "credential": c.ID, "not_written_before": leftOut})})
	})
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		r.log.Error("an alarm could not be written to the audit log", "id", c.ID, "error", err)
	}
}

// verdict is what the store says of an admission.
type verdict struct {
	end   error // why it ends; nil if it goes on
	until time.Time
}

// judge looks at an admission after agents have changed.
func judge(v store.Reader, a *admission) (verdict, error) {
	of, ok, err := v.Agent(a.principal.Name)
	if err != nil || !ok {
		return verdict{end: errNotAdmitted}, err
	}
	if a.subject != "" {
		if !of.RevokedAt.IsZero() || of.Subject != a.subject {
			return verdict{end: errNotAdmitted}, nil
		}
		return verdict{until: a.until}, nil
	}
	c, ok, err := v.Credential(a.key)
	switch {
	case err != nil, !ok, c.Digest != a.digest, !good(of, c, time.Now()):
		return verdict{end: errNotAdmitted}, err
	case !sameDuties(of, a.principal):
		return verdict{end: errForgotten}, nil
	}
	return verdict{until: c.ExpiresAt}, nil
}

// Admit returns the principal of somebody whom an identity provider vouches for
// until a time: subject is who it is there, unique and for ever, name what it is
// called here, and it may do what its token says. At first sight it becomes
// known. A name that belongs to somebody else, or is one of the bridge's own
// agents, is refused as Unauthenticated, and so is whoever was revoked here.
func (r *Relay) Admit(ctx context.Context, subject string, name agentbridge.AgentName, roles []agentbridge.AccessRole, scopes []agentbridge.Scope, expires time.Time) (agentbridge.Principal, error) {
	if err := r.current(ctx); err != nil {
		return agentbridge.Principal{}, err
	}
	now := time.Now()
	if subject == "" || !now.Before(expires) {
		return agentbridge.Principal{}, errNotAdmitted
	}
	p := agentbridge.Principal{Name: name, Roles: roles, Scopes: scopes}
	key := fmt.Sprintf("%q %q %d %q %q", subject, name, expires.UnixNano(), roles, scopes) // no credential has such an id
	a := r.roster.find(key, [32]byte{}, now)
	if a == nil {
		version, err := r.recognise(ctx, subject, p, now)
		if err != nil {
			return agentbridge.Principal{}, err
		}
		a = r.roster.keep(newAdmission(admission{key: key, subject: subject, principal: p, until: expires, version: version}))
	}
	return a.principal, nil
}

// recognise finds the agent that belongs to an identity, or makes it known.
func (r *Relay) recognise(ctx context.Context, subject string, p agentbridge.Principal, now time.Time) (version string, err error) {
	name, err := parseAgent("name", string(p.Name))
	if err == nil && name != p.Name {
		err = agentbridge.Refuse(agentbridge.InvalidFormat, "name", "is not in normal form; have it read %q", name)
	}
	if err != nil {
		return "", r.misfit(subject, p.Name, err, now)
	}
	var of store.Agent
	var known bool
	err = r.store.Glance(ctx, func(v store.Reader) error {
		if of, known, err = v.Agent(name); err != nil {
			return err
		}
		version, _, err = agentsVersion(v)
		return err
	})
	if err == nil && (!known || !sameDuties(of, p)) {
		err = r.store.Update(ctx, func(t store.Tx) error {
			if of, err = meetIdentity(t, subject, p, now); err != nil {
				return err
			}
			version, _, err = agentsVersion(t)
			return err
		})
	}
	switch {
	case err == nil && of.Subject != subject:
		err = agentbridge.Refuse(agentbridge.Conflict, "name", "belongs to another agent")
	case err == nil && !of.RevokedAt.IsZero():
		return "", errNotAdmitted
	}
	switch agentbridge.CodeOf(err) {
	case agentbridge.Conflict, agentbridge.Reserved:
		return "", r.misfit(subject, p.Name, err, now)
	}
	return version, err
}

// misfit refuses an identity that can't be an agent here. Only the log says why:
// it is for the operator to settle.
func (r *Relay) misfit(subject string, name agentbridge.AgentName, why error, now time.Time) error {
	if write, _ := r.denials.count(attempt{reason: "identity " + subject}, now); write {
		r.log.Warn("an identity was refused", "subject", subject, "name", name, "error", why)
	}
	return errNotAdmitted
}

// meetIdentity makes an agent known, or notes what its token lets it do now.
func meetIdentity(t store.Tx, subject string, p agentbridge.Principal, now time.Time) (store.Agent, error) {
	of, known, err := t.Agent(p.Name)
	if err != nil {
		return of, err
	}
	if known && (of.Subject != subject || !of.RevokedAt.IsZero()) {
		return of, nil // it changes nothing, and is refused
	}
	if known && sameDuties(of, p) { // another process has met it meanwhile
		return of, nil
	}
	if known {
		of.Roles, of.Scopes = p.Roles, p.Scopes
		if err := t.PutAgent(of); err != nil {
			return of, err
		}
		return of, t.Log(identityEntry(agentbridge.ActionAgentChange, of, now)) // its other tokens say for themselves what they admit to
	}
	if err := unlikeAgents(t, p.Name, subject); err != nil {
		return of, err
	}
	of = store.Agent{Name: p.Name, Roles: p.Roles, Scopes: p.Scopes, Subject: subject, CreatedAt: stamp()}
	if err := introduce(t, of); err != nil {
		return of, err
	}
	return of, agentsChanged(t, identityEntry(agentbridge.ActionAgentAdd, of, now))
}

// sameDuties tells whether a principal may do what is known of the agent.
func sameDuties(of store.Agent, p agentbridge.Principal) bool {
	return slices.Equal(of.Roles, p.Roles) && slices.Equal(of.Scopes, p.Scopes)
}

// identityEntry is what the audit log keeps of an agent that an identity
// provider vouches for.
func identityEntry(action agentbridge.Action, of store.Agent, now time.Time) agentbridge.Entry {
	return agentbridge.Entry{At: now, Actor: of.Name, Action: action,
		Detail: detail(map[string]any{"name": of.Name, "roles": of.Roles, "scopes": scopeTexts(of.Scopes), "subject": of.Subject})}
}

func scopeTexts(scopes []agentbridge.Scope) []string {
	texts := make([]string, 0, len(scopes))
	for _, s := range scopes {
		texts = append(texts, s.String())
	}
	return texts
}

// scopeList is scopes as they are written on a command line.
func scopeList(scopes []agentbridge.Scope) string { return strings.Join(scopeTexts(scopes), ",") }
