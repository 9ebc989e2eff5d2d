package agentbridge

import (
	"context"
	"fmt"
	"io"
	"time"
)

// APIToken is the secret that says who an agent is: abr_api_ and 49 letters and
// digits, the last six of which check the others. The bridge keeps its digest
// only; the token itself is shown once.
type APIToken string

// Format keeps a token out of everything that fmt writes, MarshalText out of
// JSON and out of logs. Whoever means to show one converts it to a string.
func (APIToken) Format(s fmt.State, _ rune)   { _, _ = io.WriteString(s, secret) }
func (APIToken) MarshalText() ([]byte, error) { return []byte(secret), nil }

// Every APIToken begins with APITokenPrefix and has APITokenLength characters.
const (
	APITokenPrefix = "abr_api_"
	APITokenLength = len(APITokenPrefix) + 49
)

// NewAgent says who is to become known by a name, and what it may do.
type NewAgent struct {
	Name     AgentName
	Roles    []AccessRole  // none: member
	Scopes   []Scope       // none: all channels, for all that its roles may do
	Lifetime time.Duration // of its tokens, at most MaxLifetime; 0 means that
}

// AgentInfo describes an agent to the operator.
type AgentInfo struct {
	Name        AgentName
	Roles       []AccessRole
	Scopes      []Scope
	Subject     string // who it is for an identity provider, "" if it has tokens of the bridge
	CreatedAt   time.Time
	RevokedAt   time.Time // zero while it is admitted
	Credentials []CredentialInfo
}

// CredentialInfo describes a token without giving it away.
type CredentialInfo struct {
	ID        string // public
	CreatedAt time.Time
	ExpiresAt time.Time // brought forward when it was rotated
	RotatedAt time.Time // zero if it was not
	UsedAt    time.Time // about; zero if never
}

// Issued is a new token and whose it is. It is shown now or never.
type Issued struct {
	Agent AgentInfo
	Token APIToken
	ID    string // of the credential
}

// Admin manages who may do what. Like Operator it belongs to whoever owns the
// store's files.
type Admin interface {
	// AddAgent makes a name known and returns its first token. A name that is
	// taken, also by an agent that was revoked, is refused as a Conflict.
	AddAgent(ctx context.Context, a NewAgent) (Issued, error)
	// Agents returns all agents by name, revoked ones too.
	Agents(ctx context.Context) ([]AgentInfo, error)
	Agent(ctx context.Context, name AgentName) (AgentInfo, error)
	// RotateAgent gives an agent a new token. The one it had admits for another
	// RotationOverlap; its use after that is an alarm in the audit log.
	RotateAgent(ctx context.Context, name AgentName) (Issued, error)
	// RevokeAgent ends all tokens of an agent, and its open streams within five
	// seconds. Its name stays taken.
	RevokeAgent(ctx context.Context, name AgentName) error
}
