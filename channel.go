package agentbridge

import (
	"regexp"
	"strconv"
	"time"
)

// ChannelName names a channel: an append-only, ordered log of messages, made
// by its first message.
type ChannelName string

// MaxChannelName is the longest channel name, in code points.
const MaxChannelName = 256

// privateName is the form of conversation ids. Conversations are channels
// too, and their names must not be usable as a way round their tokens.
var privateName = regexp.MustCompile(`^conv_[a-f0-9]{16}$`)

// ParseChannelName checks a channel name given by a caller and returns it in
// its normalised form. Names that belong to conversations are refused: those
// are reached with a seat's token only.
func ParseChannelName(s string) (ChannelName, error) {
	s, err := checkName("channel", s, MaxChannelName)
	if err != nil {
		return "", err
	}
	if ChannelName(s).Private() {
		return "", Refuse(Reserved, "channel", "names of the form conv_<16 hex digits> are private conversations; "+
			"use check_messages and send_to_partner with your token")
	}
	return ChannelName(s), nil
}

// ParseListed checks the name behind which a listing goes on, given as the
// field. It is a place in the order of names, and nothing is opened by it: the
// rules for new names don't hold, or a listing could not go past an older one.
func ParseListed(field, s string) (ChannelName, error) {
	if ChannelName(s).Private() {
		return "", Refuse(Reserved, field, "conversations are private and not among the channels; give the next_channel of the last answer")
	}
	return ChannelName(s), checkIdentity(field, s, MaxChannelName)
}

// Private tells whether the name is a conversation's.
func (c ChannelName) Private() bool { return privateName.MatchString(string(c)) }

// Limits on what one channel call returns.
const (
	MaxPage       = 500       // messages per read
	DefaultPage   = 20        // messages per read unless told
	MaxReplyBytes = 256 << 10 // bytes a reply may take on the wire, unless one message alone is larger
	MaxPerChannel = 50        // messages per channel in an overview
	MaxWait       = 55 * time.Second
	DefaultWait   = 20 * time.Second
)

// ReadRequest says which messages of a channel to read. With After or Consumer
// the oldest messages behind that position come first; with neither, the
// newest Limit messages, of those before Before if it is given. After wins over
// Consumer, and both over Before. Reading moves no cursor.
type ReadRequest struct {
	Channel  ChannelName
	After    MessageID // a message of this channel or a mark; "" if none
	Consumer AgentName // whose cursor to read from; "" if none; an unknown one stands at the beginning
	Before   Seq       // 0 if none
	Limit    int       // 1..MaxPage; 0 means DefaultPage
	MaxBytes int       // upper bound for the sum of Message.WireSize; 0 means MaxReplyBytes; the first message always fits
}

// Page is an answer to a ReadRequest, in ascending order of Seq.
type Page struct {
	Channel  ChannelName
	Messages []Message
	Next     MessageID // where to continue: the last message, else the cursor that was given
	Consumer AgentName
	Stale    bool // After is not a message of this channel: nothing was read
	Gap      bool // with a consumer: messages behind its cursor were removed before it acknowledged them
	More     bool // further messages stand behind the last one
	Older    bool // without a cursor: older messages than these exist
	TimedOut bool // only of Wait
}

// Cursor is how far a consumer has read in a channel. It moves forward only.
type Cursor struct {
	Consumer  AgentName
	Channel   ChannelName
	Seq       Seq
	MessageID MessageID
	UpdatedAt time.Time
	Advanced  bool // whether this acknowledgement moved it
}

// Ack acknowledges a message and everything before it for one consumer.
type Ack struct {
	Channel   ChannelName
	Consumer  AgentName
	MessageID MessageID
	Metadata  Metadata // kept with the cursor; nil keeps what is there
}

// ChannelQuery selects channels, by name.
type ChannelQuery struct {
	After    ChannelName // only those behind this name
	Senders  bool        // with who wrote there
	MaxBytes int         // upper bound for the sum of ChannelInfo.WireSize; 0 means about MaxReplyBytes; the first always fits
}

// ChannelInfo is one line of a channel listing.
type ChannelInfo struct {
	Name   ChannelName
	Count  int64
	LastAt time.Time
	// Senders are those who wrote since the channel was last cleared, by name,
	// MaxSenders at most.
	Senders []AgentName
}

// MaxSenders is how many senders a listing names for a channel.
const MaxSenders = 100

// WireSize is how many bytes the line takes at most in a reply that holds it
// both as JSON and as text.
func (c ChannelInfo) WireSize() int {
	const fixed = 160 // keys, count, time, words
	size := fixed + jsonSize(string(c.Name)) + jsonSize(strconv.Quote(string(c.Name)))
	for _, s := range c.Senders {
		size += jsonSize(string(s)) + len(",")
	}
	return size
}

// ChannelList is a listing of the channels that hold messages, by name.
type ChannelList struct {
	Channels      []ChannelInfo
	TotalChannels int64
	TotalMessages int64
	Next          ChannelName // where to continue, "" if this is the end
}

// ChannelView is a channel and its newest messages in ascending order.
type ChannelView struct {
	Name     ChannelName
	Total    int64
	Messages []Message
}

// Overview is a bounded look at many channels.
type Overview struct {
	Channels []ChannelView
	Next     ChannelName // where to continue, "" if this is the end
}

// Health is what a ping tells.
type Health struct {
	Channels int64
	Messages int64
	Time     time.Time
	// Checkpoint is the last one of the audit log. Whoever keeps it will notice
	// if the log is rolled back.
	Checkpoint Checkpoint
}
