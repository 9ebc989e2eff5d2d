package agentbridge

import (
	"context"
	"time"
)

// Bridge opens sessions. Without one there is nothing to call.
type Bridge interface {
	// Open returns a principal's view. What it may not do is refused as
	// Forbidden, and everything as Unauthenticated once its Life has ended.
	Open(ctx context.Context, p Principal) (Session, error)

	// Sit returns the view of one seat. A wrong token, an unknown conversation
	// and a seat that belongs to another principal are refused alike, as
	// Unauthenticated; an outdated token as Expired.
	Sit(ctx context.Context, p Principal, c SeatCredential) (SeatSession, error)
}

// SeatCredential is what admits to a seat. A verified principal needs no token
// for the seats it has taken itself.
type SeatCredential struct {
	Conversation ConversationID
	Seat         Seat
	Token        Token
}

// Session is a principal's view of the channels. Its methods are safe for
// concurrent use. Refusals are *Error; any other error is a fault of the
// bridge.
type Session interface {
	// Send stores a draft. When it returns without an error the message is on
	// disk (SQLite synchronous=FULL) and its readers have been woken. A verified
	// principal is the sender; a draft that names another is refused.
	Send(ctx context.Context, d Draft) (Sent, error)
	// Read returns a page at once, perhaps an empty one.
	Read(ctx context.Context, r ReadRequest) (Page, error)
	// Wait is Read, but if nothing stands behind the cursor it blocks until
	// something does, at most for the given time (bounded by MaxWait) or until
	// ctx ends. It needs After or Consumer.
	Wait(ctx context.Context, r ReadRequest, timeout time.Duration) (Page, error)
	// Ack moves a consumer's cursor forward to a message; an older one moves
	// nothing and is no error.
	Ack(ctx context.Context, a Ack) (Cursor, error)
	// Message returns one message of any channel, or NotFound.
	Message(ctx context.Context, id MessageID) (Message, error)
	// Follow returns what happens in one channel behind a position: first what
	// stands there, then what comes. "" begins now.
	Follow(ctx context.Context, channel ChannelName, after Position) (Feed, error)
	// Watch returns what happens in several channels behind a position; no
	// channels mean all, also those to come. "" begins now.
	Watch(ctx context.Context, channels []ChannelName, after Position) (Feed, error)
	// Channels lists channels that hold messages.
	Channels(ctx context.Context, q ChannelQuery) (ChannelList, error)
	// Overview shows the newest messages of each channel behind the given name;
	// perChannel is brought into 1..MaxPerChannel.
	Overview(ctx context.Context, after ChannelName, perChannel, maxBytes int) (Overview, error)
	// Clear removes all messages of a channel and tells how many there were.
	Clear(ctx context.Context, channel ChannelName) (int64, error)
	// Ping tells that the bridge and its store answer.
	Ping(ctx context.Context) (Health, error)
	// Entries returns entries of the audit log. Those of conversations are for
	// verified principals only.
	Entries(ctx context.Context, q EntryQuery) (EntryPage, error)
	// CreateConversation makes a private channel with two seats. The creator's
	// seat belongs to the principal if that is verified.
	CreateConversation(ctx context.Context, mine, partners Role) (NewConversation, error)
	// JoinConversation takes the partner's seat with a code that works once. A
	// wrong, an outdated and a used code are refused alike, as Unauthenticated.
	JoinConversation(ctx context.Context, code Invite) (Joined, error)
}

// SeatSession is one seat's view of its conversation. Each of its calls is a
// heartbeat.
type SeatSession interface {
	// Send stores a message for the partner, durable as Session.Send.
	Send(ctx context.Context, r SeatDraft) (Sent, error)
	// Check hands out unread messages, oldest first: at most MaxCheck and, but
	// for a single larger one, maxBytes by Message.WireSize. Each goes to
	// exactly one of several concurrent callers. The caller settles the delivery.
	Check(ctx context.Context, maxBytes int) (Delivery, error)
	// SetStatus reports what this seat is doing.
	SetStatus(ctx context.Context, s Status) error
	// Partner tells the other seat's state.
	Partner(ctx context.Context) (Partner, error)
}

// Operator is the view of the person who owns the store's files. It is not
// offered to agents.
type Operator interface {
	Conversations(ctx context.Context) ([]ConversationInfo, error)
	// Conversation returns one conversation with all of its messages.
	Conversation(ctx context.Context, id ConversationID) (ConversationInfo, []TranscriptLine, error)
	// Tokens derives both tokens of a conversation; the audit log keeps that it
	// was done.
	Tokens(ctx context.Context, id ConversationID) (a, b Token, err error)
	// Cleanup removes expired conversations with their messages; their audit
	// entries stay.
	Cleanup(ctx context.Context) ([]ConversationID, error)
	Entries(ctx context.Context, q EntryQuery) (EntryPage, error)
	Admin
}

// ConversationInfo describes a conversation to its operator.
type ConversationInfo struct {
	ID         ConversationID
	RoleA      Role
	RoleB      Role
	CreatedAt  time.Time
	ExpiresAt  time.Time
	Generation int64 // of its tokens
	Messages   int64
	UnreadA    int64 // messages that seat a has not read
	UnreadB    int64
}

// Expired tells whether its tokens no longer admit.
func (c ConversationInfo) Expired(now time.Time) bool { return !now.Before(c.ExpiresAt) }

// TranscriptLine is one message of a conversation as its operator sees it.
type TranscriptLine struct {
	Message Message
	To      Seat
	State   ReceiptState
}
