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

// EntryQuery selects audit entries, newest first.
type EntryQuery struct {
	Target ChannelName // a conversation; "" for everything
	Before int64       // only entries older than this one; 0 for the newest
	Limit  int         // 1..MaxEntries; 0 means DefaultEntries
}

// Bounds of an audit query.
const (
	DefaultEntries = 50
	MaxEntries     = 1000
)
