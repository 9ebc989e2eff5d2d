package agentbridge

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

// ConversationID names a private two-party channel: conv_ and 16 hex digits.
type ConversationID string

// Channel is the conversation as the channel it is.
func (id ConversationID) Channel() ChannelName { return ChannelName(id) }

// ParseConversationID checks a conversation id given by a caller.
func ParseConversationID(s string) (ConversationID, error) {
	if !privateName.MatchString(s) {
		return "", Refuse(InvalidFormat, "conversation_id", "must be conv_ followed by 16 hex digits, as create_conversation returned it")
	}
	return ConversationID(s), nil
}

// Seat is one of the two places in a conversation: SeatA is its creator's.
type Seat string

const (
	SeatA Seat = "a"
	SeatB Seat = "b"
)

// Partner is the other seat.
func (s Seat) Partner() Seat {
	if s == SeatA {
		return SeatB
	}
	return SeatA
}

// Agent is the seat as the agent name that its messages carry.
func (s Seat) Agent() AgentName { return AgentName(s) }

// ParseSeat checks a session_id given by a caller.
func ParseSeat(s string) (Seat, error) {
	switch Seat(s) {
	case SeatA, SeatB:
		return Seat(s), nil
	}
	return "", Refuse(InvalidValue, "session_id", `must be "a" or "b"`)
}

// Token is the secret that admits to one seat: 64 hex digits. It is never
// stored and never written to a log.
type Token string

// Format keeps a token out of everything that fmt writes, MarshalText out of
// JSON and out of logs. Whoever means to show one converts it to a string.
func (Token) Format(s fmt.State, _ rune)   { _, _ = io.WriteString(s, secret) }
func (Token) MarshalText() ([]byte, error) { return []byte(secret), nil }

const secret = "(secret)"

// TokenLength is the length of a token in characters.
const TokenLength = 64

var tokenForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ParseToken checks the form of a token given by a caller, not whose it is.
func ParseToken(s string) (Token, error) {
	if !tokenForm.MatchString(s) {
		return "", Refuse(InvalidFormat, "token", "must be the %d hex digits that create_conversation returned for this session", TokenLength)
	}
	return Token(s), nil
}

// Role describes what a seat is for, such as backend_developer.
type Role string

// Bounds of a role, in code points.
const (
	MinRole = 3
	MaxRole = 100
)

// ParseRole checks a role that arrived as the given field. It is a label, no
// key: it is kept as it is, and refused if there is anything in it that Clean
// would take out.
func ParseRole(field, s string) (Role, error) {
	if n := utf8.RuneCountInString(s); n > 0 && n < MinRole {
		return "", Refuse(TooShort, field, "must be at least %d characters", MinRole)
	}
	if err := checkIdentity(field, s, MaxRole); err != nil {
		return "", err
	}
	return Role(s), checkClean(field, s)
}

// ActionType says what a seat's message is for.
type ActionType string

// ParseActionType checks an action type; the empty one is info.
func ParseActionType(s string) (ActionType, error) {
	switch s {
	case "":
		return "info", nil
	case "question", "info", "proposal", "blocked", "complete":
		return ActionType(s), nil
	}
	return "", Refuse(InvalidValue, "action_type", "must be one of question, info, proposal, blocked, complete")
}

// Limits on what a seat may say and is handed at once.
const (
	MaxText  = 50_000 // code points of one message
	MaxFiles = 20     // file names per message
	MaxFile  = 1024   // code points of one file name
	MaxCheck = 100    // messages per check
)

const (
	// AliveFor is how long after its last heartbeat a seat counts as alive.
	AliveFor = 120 * time.Second
	// DefaultTTL is how long a conversation's tokens admit unless configured.
	DefaultTTL = 3 * time.Hour
	// OfferTime is how long a handed-out message stays with a reply of which
	// nothing is heard before it is handed out again.
	OfferTime = 20 * time.Second
)

// SeatDraft is what a seat wants to say to its partner. The text may be
// anything that is UTF-8, even nothing.
type SeatDraft struct {
	Text       string
	ActionType ActionType
	Files      []string
	Key        string // idempotency key, "" for none
}

// ParseSeatDraft checks the parts of a seat's message.
func ParseSeatDraft(text, actionType string, files []string) (SeatDraft, error) {
	if n := utf8.RuneCountInString(text); n > MaxText {
		return SeatDraft{}, Refuse(TooLong, "message", "must be at most %d characters, it has %d; send it in parts", MaxText, n)
	}
	if !utf8.ValidString(text) {
		return SeatDraft{}, Refuse(InvalidUTF8, "message", "must be valid UTF-8")
	}
	action, err := ParseActionType(actionType)
	if err != nil {
		return SeatDraft{}, err
	}
	if len(files) > MaxFiles {
		return SeatDraft{}, Refuse(TooMany, "files_involved", "must name at most %d files", MaxFiles)
	}
	for i, f := range files {
		if err := checkIdentity("files_involved["+strconv.Itoa(i)+"]", f, MaxFile); err != nil {
			return SeatDraft{}, err
		}
	}
	return SeatDraft{Text: text, ActionType: action, Files: files}, nil
}

// NewConversation is the answer to a creation: what both sides need.
type NewConversation struct {
	ID            ConversationID
	Seat          Seat // the creator's
	TokenA        Token
	TokenB        Token // "" where partners join by invitation only
	ExpiresAt     time.Time
	Invite        Invite    // admits the partner, once
	InviteExpires time.Time // and until then
}

// SeatMessage is a message as its recipient's seat sees it.
type SeatMessage struct {
	ID          MessageID
	Seq         Seq
	From        Seat
	Text        string
	ActionType  ActionType
	Files       []string
	At          time.Time
	Redelivered bool // it was handed out before, in a reply that was lost
}

// Delivery is a batch of messages on its way to one seat.
type Delivery struct {
	Messages  []SeatMessage
	Remaining int64 // further unread messages behind these
	// Settle ends the delivery and must be called once. If the reply that
	// carried the messages left the process they count as read; if not they are
	// given back and handed out again, marked as redelivered. If nobody calls
	// it, because the process died, that happens after OfferTime.
	Settle func(left bool) error
}

// Partner is what a seat may know of its partner.
type Partner struct {
	Seat          Seat
	Role          Role
	Status        Status    // "" if it never reported one
	LastHeartbeat time.Time // zero if it was never seen
	Age           time.Duration
	Alive         bool  // seen less than AliveFor ago
	Unread        int64 // my messages that it has not read
}
