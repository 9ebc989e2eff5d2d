package agentbridge

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Principal is who a session acts for: what it may do, and for how long. Its
// zero value may do nothing.
type Principal struct {
	// Name is the agent's, verified by its credential: all it sends is from this
	// name, and its cursors are its own. "" is somebody who is known by no name,
	// such as a holder of the shared token: what it calls itself is a label.
	Name   AgentName
	Roles  []AccessRole
	Scopes []Scope
	// Life ends when the credential behind the principal expires or is revoked;
	// its cause says which. nil never ends.
	Life context.Context
}

// Verified tells whether the principal's name is more than a label.
func (p Principal) Verified() bool { return p.Name != "" }

// Local is whoever needs no name: the owner of the store's files, a holder of
// the shared token, everybody on an open bridge. It may do all that agents may.
func Local() Principal {
	return Principal{Roles: []AccessRole{RoleAdmin}, Scopes: everything()}
}

func everything() []Scope { return []Scope{{VerbRead, "*"}, {VerbSend, "*"}, {VerbClear, "*"}} }

// Ended returns why the principal may not act any more, nil while it may.
func (p Principal) Ended() error {
	if p.Life == nil || p.Life.Err() == nil {
		return nil
	}
	return context.Cause(p.Life)
}

// Covers tells whether a scope of the principal lets it do this in a channel.
func (p Principal) Covers(v Verb, c ChannelName) bool {
	return slices.ContainsFunc(p.Scopes, func(s Scope) bool { return s.Covers(v, c) })
}

// Unlimited tells whether it may do this in every channel, also those to come.
func (p Principal) Unlimited(v Verb) bool { return slices.Contains(p.Scopes, Scope{v, "*"}) }

// AccessRole says what kinds of things a principal may do. In which channels,
// its scopes say.
type AccessRole string

const (
	RoleViewer   AccessRole = "viewer"   // reads channels
	RoleMember   AccessRole = "member"   // reads, sends, acknowledges, holds conversations
	RoleOperator AccessRole = "operator" // a member who may also clear channels
	RoleApprover AccessRole = "approver" // reads channels; approves what others ask for, and asks for nothing itself
	RoleAuditor  AccessRole = "auditor"  // reads the audit log, and no messages
	RoleAdmin    AccessRole = "admin"    // an operator and auditor
)

// AccessRoles are all there are, the weakest first.
func AccessRoles() []AccessRole {
	return []AccessRole{RoleViewer, RoleMember, RoleOperator, RoleApprover, RoleAuditor, RoleAdmin}
}

// ParseAccessRole checks a role that arrived as the given field.
func ParseAccessRole(field, s string) (AccessRole, error) {
	if r := AccessRole(s); slices.Contains(AccessRoles(), r) {
		return r, nil
	}
	var names []string
	for _, r := range AccessRoles() {
		names = append(names, string(r))
	}
	return "", Refuse(InvalidValue, field, "must be one of %s", strings.Join(names, ", "))
}

// Verb is what a scope lets a principal do in a channel.
type Verb string

const (
	VerbRead  Verb = "read" // messages, and that the channel is there
	VerbSend  Verb = "send"
	VerbClear Verb = "clear"
)

// Scope lets a principal do one thing in the channels whose name fits a
// pattern: send:payments:*. In the pattern * stands for any characters, or none.
// Conversations are in no scope; who sits in them may speak there.
type Scope struct {
	Verb    Verb
	Pattern string
}

func (s Scope) String() string { return string(s.Verb) + ":" + s.Pattern }

// Covers tells whether the scope lets do this in a channel.
func (s Scope) Covers(v Verb, c ChannelName) bool {
	return s.Verb == v && !c.Private() && fits(s.Pattern, string(c))
}

// fits matches a name against a pattern, in a time in proportion to both: each
// part between two stars is looked for once, behind where the one before was
// found first.
func fits(pattern, name string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	for ok {
		var part string
		part, rest, star = strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		_, name, ok = strings.Cut(name, part)
	}
	return false
}

// Limits on what a principal is given.
const (
	MaxScopes = 100 // of one principal
	// MaxLifetime is how long a credential admits at most before it has to be
	// rotated.
	MaxLifetime = 90 * 24 * time.Hour
	// RotationOverlap is how long a rotated credential still admits.
	RotationOverlap = time.Minute
)

// ParseScopes checks scopes that arrived as the given field: verb and pattern
// joined by a colon, several with commas between. "write" is another word for
// send, and several stars in a row are one.
func ParseScopes(field, s string) ([]Scope, error) {
	var scopes []Scope
	for text := range strings.SplitSeq(s, ",") {
		verb, pattern, ok := strings.Cut(strings.TrimSpace(text), ":")
		if verb == "write" {
			verb = string(VerbSend)
		}
		scope := Scope{Verb(verb), pattern}
		if !ok || !slices.Contains([]Verb{VerbRead, VerbSend, VerbClear}, scope.Verb) {
			return nil, Refuse(InvalidFormat, field, "must be read:, send: or clear: and the names of channels, as in send:payments:*,read:*")
		}
		name, err := checkName(field, pattern, MaxChannelName)
		if err != nil {
			return nil, err
		}
		if strings.Contains(name, ",") { // it was another comma; scopes are written with these between
			return nil, Refuse(InvalidFormat, field, "must not hold a comma in a pattern; put * in its place")
		}
		for strings.Contains(name, "**") { // says no more than one of them
			name = strings.ReplaceAll(name, "**", "*")
		}
		scope.Pattern = name
		if slices.Contains(scopes, scope) {
			continue
		}
		if len(scopes) == MaxScopes {
			return nil, Refuse(TooMany, field, "must be at most %d scopes; use patterns with *", MaxScopes)
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

type principalKey struct{}

// WithPrincipal returns a context of a call that acts for a principal.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf returns who a call acts for: nobody, who may do nothing, unless
// WithPrincipal has said.
func PrincipalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
