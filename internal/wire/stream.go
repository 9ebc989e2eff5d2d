package wire

import "agentbridge"

// This file is the data of the event streams. A frame of an event stream that
// has an id and no data moves a reader's cursor and is no event (HTML standard,
// §9.2.6); both streams use it to tell where they stand.

// The events of both streams.
const (
	EventMessage   = "message"          // StreamMessage; /events/channel only
	EventClear     = "clear"            // Cleared; /events/channel only
	EventExpired   = "expired"          // ExpiredMessages; /events/channel only
	EventStale     = "cursor_stale"     // StaleCursor; /events/channel only
	EventTruncated = "replay_truncated" // Truncated; /events/channel only, and its last
	EventBatch     = "batch"            // Batch; /api/events only
	EventReset     = "reset"            // Reset; /api/events only
	EventBye       = "bye"              // Bye; /api/events only, and its last
)

// StreamMessage is the data of "message".
type StreamMessage struct {
	Seq       agentbridge.Seq         `json:"seq"`
	ID        agentbridge.MessageID   `json:"id"`
	Channel   agentbridge.ChannelName `json:"channel"`
	Sender    agentbridge.AgentName   `json:"sender"`
	Verified  bool                    `json:"verified,omitempty"`
	Content   string                  `json:"content"`
	Timestamp string                  `json:"timestamp"`
	Encoding  agentbridge.Encoding    `json:"encoding"`
}

// Read returns the message that was written.
func (s StreamMessage) Read() (agentbridge.Message, error) {
	return Record{Seq: s.Seq, ID: s.ID, Channel: s.Channel, Sender: s.Sender, Verified: s.Verified, Content: s.Content, Timestamp: s.Timestamp, Encoding: s.Encoding}.Read()
}

// ExpiredMessages is the data of "expired": the retention removed messages
// that this stream had not shown, or had.
type ExpiredMessages struct {
	Channel agentbridge.ChannelName `json:"channel"`
	Expired int64                   `json:"expired"`
}

// StaleCursor is the data of "cursor_stale".
type StaleCursor struct {
	SinceID string `json:"since_id"`
}

// Truncated is the data of "replay_truncated": the stream ends after so many
// messages of the past; the next connection goes on.
type Truncated struct {
	Limit int `json:"limit"`
}

// Batch is the data of "batch"; its Seq is also the frame's id.
type Batch struct {
	Seq    agentbridge.Position `json:"seq"`
	Events []Happening          `json:"events"`
}

// Happening is an event in a Batch: a message with all keys of a Record, or a
// clear or an expiry with channel and count.
type Happening struct {
	Event   agentbridge.EventKind   `json:"event"` // message, clear, expired
	Channel agentbridge.ChannelName `json:"channel"`
	Removed int64                   `json:"removed,omitempty"`
	*Record                         // its channel is the one above
}

// Reset is the data of "reset": what happened since the reader's cursor can't
// be told; read the state anew. Seq is where the stream goes on.
type Reset struct {
	Seq agentbridge.Position `json:"seq"`
}

// Bye is the data of "bye".
type Bye struct {
	Reason string `json:"reason"`
}
