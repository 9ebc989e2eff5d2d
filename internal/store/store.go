// Package store says what a durable store of the bridge must do. Engines talk
// to it in transactions; it knows nothing of rules, credentials or transports.
// Every implementation passes storetest.
package store

import (
	"context"
	"errors"
	"time"

	"agentbridge"
)

// Store is safe for concurrent use by many goroutines, and several processes
// may hold one on the same database.
//
// Its errors are *agentbridge.Error with code Busy (a foreign program holds
// the database) or Unavailable (disk full, file gone) where a caller can do
// something about it, and Closed after Close.
type Store interface {
	// Update runs f in a write transaction and returns when its changes are on
	// disk. Transactions run one after another in the order of their commits;
	// several queued ones may share one commit, but each stands alone: if f
	// returns an error, exactly its own changes are undone and that error is
	// returned. If ctx ends before f began, f never runs. f must not block, nor
	// leave by runtime.Goexit (as t.Fatal does), nor use the Tx after it returned.
	Update(ctx context.Context, f func(Tx) error) error

	// View runs f on a consistent snapshot of what has been committed.
	View(ctx context.Context, f func(Reader) error) error

	// Glance is View for a few rows by their keys: it waits for other glances at
	// most, however long everybody else reads.
	Glance(ctx context.Context, f func(Reader) error) error

	// OnCommit sets the function that is told which topics (targets of audit
	// entries) changed, after every commit of this or another process; nil
	// topics mean that anything may have changed. It must not block, and may be
	// called from several goroutines at once. It is a hint: calls may be late, merged or repeated, but not missing for longer
	// than about a second. It is called before Update returns for commits of
	// this process. Set it before the first Update.
	OnCommit(ring func(topics []agentbridge.ChannelName))

	// Scrub removes what Sweep deleted from wherever the store keeps copies, as
	// far as readers at work permit.
	Scrub(ctx context.Context) error

	// Close waits for the transactions that have begun, refuses the others and
	// releases the database.
	Close() error
}

// Channel is a channel as it is kept.
type Channel struct {
	ID      int64
	Name    agentbridge.ChannelName
	Private bool            // a conversation: invisible to channel calls
	Floor   agentbridge.Seq // messages up to here are removed: cleared or expired
	Removed int64           // how many these ever were
	Expired int64           // and how many of them expired
}

// Tally is what a channel holds.
type Tally struct {
	Messages int64     // that can be read
	LastAt   time.Time // of the newest of them
}

// Span bounds a read: at most Limit messages, and at most MaxBytes by
// Message.WireSize except that the first always fits.
type Span struct {
	Limit    int
	MaxBytes int
}

// Conversation is a conversation as it is kept.
type Conversation struct {
	ID         agentbridge.ConversationID
	RoleA      agentbridge.Role
	RoleB      agentbridge.Role
	Generation int64                 // of its tokens
	OwnerA     agentbridge.AgentName // the agent to which the seat belongs, "" if to whoever has its token
	OwnerB     agentbridge.AgentName
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// Invitation admits to seat b of a conversation, once.
type Invitation struct {
	ID           string // what of the code is no secret
	Conversation agentbridge.ConversationID
	Digest       [32]byte // of the code, made with the bridge's key
	ExpiresAt    time.Time
	Tries        int // wrong codes so far
}

// Agent is a name that is known, and what it may do.
type Agent struct {
	Name      agentbridge.AgentName
	Roles     []agentbridge.AccessRole
	Scopes    []agentbridge.Scope
	Subject   string // of an identity provider, "" if it has credentials here
	CreatedAt time.Time
	RevokedAt time.Time     // zero if it was not
	Lifetime  time.Duration // of its credentials
}

// Credential is a token as it is kept: not itself.
type Credential struct {
	ID        string // public
	Agent     agentbridge.AgentName
	Digest    [32]byte // SHA-256 of the token
	CreatedAt time.Time
	ExpiresAt time.Time // brought forward when it is rotated or revoked
	RotatedAt time.Time // zero if it was not
	UsedAt    time.Time // about; zero if never
}

// Sealer encrypts message bodies. Its methods are safe for concurrent use.
//
// What is sealed can't be searched by the store: content and metadata of a
// message are one ciphertext there. A search over messages has to be refused
// where a Sealer is in use, with a sentence that says so.
type Sealer interface {
	// KeyID names the newest key.
	KeyID() string
	// Seal encrypts plain with the key of this name, so that it opens only beside
	// the same context.
	Seal(keyID string, plain, context []byte) ([]byte, error)
	// Open decrypts what Seal made with the key of this name.
	Open(keyID string, sealed, context []byte) ([]byte, error)
}

// Presence is the last sign of life of an agent in a channel.
type Presence struct {
	Status      agentbridge.Status // "" if none was reported
	HeartbeatAt time.Time
}

// Keyed is what is kept under an idempotency key.
type Keyed struct {
	Digest [32]byte // of the content that was sent first
	Sent   agentbridge.Sent
}

// Receipt is a message with what is known of its delivery to one recipient.
type Receipt struct {
	Message   agentbridge.Message
	Recipient agentbridge.AgentName
	State     agentbridge.ReceiptState
	Attempts  int // how often it was offered
}

// ErrNoKey is why an encrypted message can't be looked into without a Sealer.
var ErrNoKey = errors.New("it is encrypted, and there is no key")

// Reader reads a snapshot. Lookups that find nothing return ok == false, not
// an error.
type Reader interface {
	Channel(name agentbridge.ChannelName) (c Channel, ok bool, err error)
	// Tally counts the messages of a channel that can be read, in a time that
	// does not depend on how many they are.
	Tally(c Channel) (Tally, error)
	// Channels calls f with the public channels behind the given name that hold
	// messages, by name, until f returns false.
	Channels(after agentbridge.ChannelName, f func(Channel, Tally) (bool, error)) error
	// Cleared tells whether cleared or expired messages wait for Sweep.
	Cleared() (bool, error)
	// Totals counts the public channels that hold messages, and those messages.
	Totals() (channels, messages int64, err error)

	// LastSeq is the highest position that a message ever had, 0 if there was none.
	LastSeq() (agentbridge.Seq, error)
	// Find returns the position of a message that can be read in this channel.
	Find(c Channel, id agentbridge.MessageID) (seq agentbridge.Seq, ok bool, err error)
	// After returns the oldest messages behind a position, ascending; more tells
	// whether further ones follow.
	After(c Channel, seq agentbridge.Seq, s Span) (page []agentbridge.Message, more bool, err error)
	// Newest returns the newest messages before a position, 0 for all, ascending;
	// more tells whether older ones exist.
	Newest(c Channel, before agentbridge.Seq, s Span) (page []agentbridge.Message, more bool, err error)
	// Message returns a message that can be read, and its channel.
	Message(id agentbridge.MessageID) (m agentbridge.Message, c Channel, ok bool, err error)
	// WalkMessages calls f with every message behind one that can be read, of all
	// channels and conversations, ascending, until f returns false. sealed is why
	// its content and metadata are not there: ErrNoKey, or what is wrong with them.
	WalkMessages(after agentbridge.Seq, f func(m agentbridge.Message, sealed error) (bool, error)) error
	// Aged looks at up to limit of the oldest messages behind a position and
	// returns the last of those that are older than a time and stand before the
	// first that is not; 0 if there is none. More tells whether all of the limit
	// were older.
	Aged(c Channel, after agentbridge.Seq, than time.Time, limit int) (last agentbridge.Seq, more bool, err error)
	// Senders returns who wrote in a channel since it was last empty, by name.
	Senders(c Channel, limit int) ([]agentbridge.AgentName, error)
	// Wrote tells whether a sender is one of the Senders, however many they are.
	Wrote(c Channel, sender agentbridge.AgentName) (bool, error)

	Cursor(c Channel, consumer agentbridge.AgentName) (cur agentbridge.Cursor, ok bool, err error)
	Keyed(c Channel, sender agentbridge.AgentName, key string) (k Keyed, ok bool, err error)

	Conversation(id agentbridge.ConversationID) (c Conversation, ok bool, err error)
	// Conversations returns all conversations, newest first.
	Conversations() ([]Conversation, error)
	Presence(c Channel, agent agentbridge.AgentName) (p Presence, ok bool, err error)
	// Unread counts the messages of a channel that a recipient has not read.
	Unread(c Channel, recipient agentbridge.AgentName) (int64, error)
	// Waiting tells whether a message waits for a recipient that no offer holds.
	Waiting(c Channel, recipient agentbridge.AgentName, now time.Time) (bool, error)
	// Transcript returns every message of a conversation with its receipt.
	Transcript(c Channel) ([]Receipt, error)

	// Entries returns audit entries, newest first. Of the query it heeds Target,
	// for conversations, Before and Limit.
	Entries(q agentbridge.EntryQuery) ([]agentbridge.Entry, error)
	// EntriesAfter returns the entries behind one, oldest first.
	EntriesAfter(after int64, limit int) ([]agentbridge.Entry, error)
	// LastEntry is the number of the last audit entry, 0 if there is none.
	LastEntry() (int64, error)
	// WalkEntries calls f with each entry behind one and the hashes that are kept
	// beside it, oldest first, until f returns false. The hashes are valid during
	// the call only.
	WalkEntries(after int64, f func(e agentbridge.Entry, hashes []byte) (bool, error)) error
	// EntryHashes returns the hashes that are kept beside an entry, nil if there
	// is no such entry.
	EntryHashes(seq int64) ([]byte, error)
	// LastCheckpoint returns the checkpoint of the most entries.
	LastCheckpoint() (c agentbridge.Checkpoint, ok bool, err error)
	// Checkpoints calls f with each checkpoint, smallest first.
	Checkpoints(f func(agentbridge.Checkpoint) (bool, error)) error

	Agent(name agentbridge.AgentName) (a Agent, ok bool, err error)
	// Agents returns all agents by name.
	Agents() ([]Agent, error)
	Credential(id string) (c Credential, ok bool, err error)
	// Credentials returns those of an agent, newest first.
	Credentials(name agentbridge.AgentName) ([]Credential, error)
	Invitation(id string) (i Invitation, ok bool, err error)

	// FullBuckets counts the buckets that are full at a time, up to limit.
	FullBuckets(now time.Time, limit int) (int64, error)

	// Setting returns a small value kept beside the data.
	Setting(name string) (value string, ok bool, err error)
}

// Tx is a Reader that sees its own changes and may make more.
type Tx interface {
	Reader

	// OpenChannel returns the channel of this name, making it if it is new.
	OpenChannel(name agentbridge.ChannelName, private bool) (Channel, error)
	// Append numbers a message, names it and stores it in c. Its Seq, ID and
	// Channel are ignored; the stored message has them.
	Append(c Channel, m agentbridge.Message) (agentbridge.Message, error)
	// ClearChannel makes all messages of c unreadable at once and forgets their
	// idempotency keys, and returns how many it were.
	ClearChannel(c Channel) (int64, error)
	// Expire makes the messages of c up to one unreadable as ClearChannel does,
	// and returns how many it were.
	Expire(c Channel, upTo agentbridge.Seq) (int64, error)
	// Sweep removes some of what was cleared or expired, from any channel: up to limit
	// messages, and up to limit keys when no more messages are left. It returns
	// how much that was; less than limit means that nothing is left.
	Sweep(limit int) (int64, error)

	PutCursor(c Channel, cur agentbridge.Cursor, metadata agentbridge.Metadata) error
	// DropCursors removes a consumer's cursors and those of names below it, which
	// go on with a slash, in all channels.
	DropCursors(consumer agentbridge.AgentName) error
	PutKeyed(c Channel, sender agentbridge.AgentName, key string, k Keyed) error

	PutConversation(conv Conversation) error
	// SetOwner makes a seat an agent's.
	SetOwner(id agentbridge.ConversationID, seat agentbridge.Seat, owner agentbridge.AgentName) error
	// PutInvitation keeps an invitation, in place of one with the same ID.
	PutInvitation(i Invitation) error
	DropInvitation(id string) error
	// DropInvitations removes those that expired before a time.
	DropInvitations(before time.Time) error
	// PutAgent and PutCredential keep one in place of what they knew of it.
	PutAgent(a Agent) error
	PutCredential(c Credential) error
	// DropConversation removes a conversation with its channel, messages,
	// receipts and presence. Its audit entries stay.
	DropConversation(id agentbridge.ConversationID) error
	// PutPresence keeps what is known of an agent. An empty status leaves the last
	// one, and a heartbeat that is a little older the last heartbeat; one that is
	// older by more than AliveFor is of a clock that was set back, and counts.
	PutPresence(c Channel, agent agentbridge.AgentName, p Presence) error

	// PutReceipt records that a message waits for a recipient.
	PutReceipt(c Channel, seq agentbridge.Seq, recipient agentbridge.AgentName) error
	// Offer marks the oldest messages that wait for a recipient as offered until
	// a time, under a name for this offer, and returns them and how many wait
	// behind them. Messages of an offer whose time has passed wait again.
	Offer(c Channel, recipient agentbridge.AgentName, offer string, now, until time.Time, s Span) (offered []Receipt, waiting int64, err error)
	// SettleOffer makes every message of an offer injected, or gives them back.
	SettleOffer(offer string, injected bool) error

	// Bucket returns the state of a bucket of a limit, nil if it is full.
	Bucket(key string) (state []byte, err error)
	// PutBucket keeps the state of a bucket, and from when on it is full.
	PutBucket(key string, state []byte, fullAt time.Time) error
	// DropBuckets removes up to limit of the buckets that are full at a time and
	// returns how many it were.
	DropBuckets(now time.Time, limit int) (int64, error)

	// Log appends to the audit log. The entry's Seq is ignored; its Target is
	// the topic that rings when the transaction is on disk.
	Log(e agentbridge.Entry) error
	// PutCheckpoint keeps a checkpoint; one of as many entries stays.
	PutCheckpoint(c agentbridge.Checkpoint) error
	PutSetting(name, value string) error
}
