package agentbridge

import "time"

// Action is what an audit entry records.
type Action string

const (
	ActionSend               Action = "send"
	ActionAck                Action = "ack"
	ActionClear              Action = "clear"
	ActionCreateConversation Action = "create_conversation"
	ActionCheck              Action = "check_messages"
	ActionStatus             Action = "update_status"
	ActionTokensShown        Action = "tokens_shown"
	ActionCleanup            Action = "cleanup"
	ActionRefused            Action = "refused"
	ActionExpire             Action = "expire"       // messages outlived the retention
	ActionRateLimited        Action = "rate_limited" // somebody was told to come back later
	ActionForbidden          Action = "forbidden"    // somebody known tried what it may not do
	ActionJoin               Action = "join_conversation"
	ActionAgentAdd           Action = "agent_add"
	ActionAgentChange        Action = "agent_change" // its identity provider gave it other roles or scopes
	ActionAgentRotate        Action = "agent_rotate"
	ActionAgentRevoke        Action = "agent_revoke"
	ActionTokenReuse         Action = "rotated_token_reused" // an alarm: somebody has a copy of an old token
	ActionEncrypt            Action = "encrypt"              // messages were encrypted, or with another key
	ActionAuditKey           Action = "audit_key"            // the log is signed with another key from here on

	// What the boundary turns away before anything is opened; reference B's words.
	ActionAuthFailure    Action = "auth_failure"
	ActionPolicyReject   Action = "policy_reject"
	ActionOversizeReject Action = "oversize_reject"
)

// Refusal is a request that the boundary turned away.
type Refusal struct {
	Action  Action // one of the last three
	Address string // of whoever asked
	Path    string // what was asked for
}

// Entry is one record of the audit log. It holds no message text and no
// secret. Its Seq counts entries without a gap, apart from the Seq of messages.
type Entry struct {
	Seq    int64
	At     time.Time
	Actor  AgentName   // who did it: a sender, a seat, or "operator"
	Action Action      // what was done
	Target ChannelName // the channel or conversation it was done to
	Detail Metadata    // sizes, ids and counts; nil for none
}

// Outcome is what became of what an entry records.
type Outcome string

const (
	Allowed Outcome = "allow"
	Denied  Outcome = "deny"
	Alarm   Outcome = "alarm" // denied, and somebody should look at it
)

// Outcome is what became of an action of this kind.
func (a Action) Outcome() Outcome {
	switch a {
	case ActionTokenReuse:
		return Alarm
	case ActionRefused, ActionRateLimited, ActionForbidden, ActionAuthFailure, ActionPolicyReject, ActionOversizeReject:
		return Denied
	}
	return Allowed
}

// EntryQuery selects audit entries, newest first: those for which all that is
// set here holds.
type EntryQuery struct {
	Target  ChannelName // a channel or conversation
	Actor   AgentName
	Action  Action
	Outcome Outcome
	Since   time.Time // not older
	Until   time.Time // older
	Before  int64     // with a lower number; 0 for the newest
	Limit   int       // 1..MaxEntries; 0 means DefaultEntries
}

// Matches tells whether the query selects an entry, as far as that is not a
// question of Before and Limit.
func (q EntryQuery) Matches(e Entry) bool {
	return (q.Target == "" || q.Target == e.Target) &&
		(q.Actor == "" || q.Actor == e.Actor) &&
		(q.Action == "" || q.Action == e.Action) &&
		(q.Outcome == "" || q.Outcome == e.Action.Outcome()) &&
		(q.Since.IsZero() || !e.At.Before(q.Since)) &&
		(q.Until.IsZero() || e.At.Before(q.Until))
}

// EntryPage is an answer to an EntryQuery. It may hold fewer entries than were
// asked for although there are more: looking for them takes bounded time.
type EntryPage struct {
	Entries []Entry
	Next    int64 // the Before of the page behind this one; 0 at the end
}

// Checkpoint is a signed statement of what the audit log was: the first so many
// entries have this root hash (RFC 6962; C2SP tlog-checkpoint). Whoever kept one
// can tell later whether the log still begins with these entries.
type Checkpoint struct {
	Size int64
	Note string // text and signature; "" if there is none
}

// Bounds of an audit query.
const (
	DefaultEntries = 50
	MaxEntries     = 1000
)
