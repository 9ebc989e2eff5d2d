package agentbridge

import "context"

// Position is a place in a feed: whoever stops reading goes on from there
// later, on another connection or after a restart of the bridge. It is opaque.
// A position of Follow is also a MessageID.
type Position string

// EventKind says what an [Event] is.
type EventKind string

const (
	EventMessage EventKind = "message" // a message was stored
	EventCleared EventKind = "clear"   // messages were cleared
	EventExpired EventKind = "expired" // messages outlived the retention
	// EventStale comes first, if at all: of Follow's position nothing is known
	// in this channel. If its message was removed from here, everything that is
	// left of the channel follows; if it was never here, what is new.
	EventStale EventKind = "cursor_stale"
	// EventReset comes first, if at all: Watch's position is too old or of
	// another database. What happened since must be read anew; the feed goes on
	// from now.
	EventReset EventKind = "reset"
)

// Event is one thing that happened.
type Event struct {
	Kind    EventKind
	Channel ChannelName
	Message Message // of EventMessage
	Removed int64   // of EventCleared and EventExpired: how many messages went
}

// Batch is what a feed returns at a time, in the order in which it happened.
type Batch struct {
	Events []Event
	Next   Position // behind the last of them
	More   bool     // further events stood behind these already
}

// MaxBatch is the most events of a batch.
const MaxBatch = 100

// Feed is what happens, in order, without gaps and without repeats: each
// message that is still there when its turn comes, once. One goroutine at a
// time may use it.
type Feed interface {
	// Next blocks until something happened or ctx ends. A feed goes on after
	// ctx ended. It returns a Closed error when the bridge shuts down.
	Next(ctx context.Context) (Batch, error)
	// Position is where the feed stands: behind what Next returned last, at
	// first where it began.
	Position() Position
	// Close gives up what the feed holds.
	Close()
}
