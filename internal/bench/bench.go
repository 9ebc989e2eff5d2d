// Package bench measures a bridge from outside. It plays agents, keeps what
// they were promised, compares it with what arrived, and takes the time. It
// reports nothing that was not measured in the same run, and a fast run that
// lost or repeated a message has failed.
package bench

import (
	"context"
	"io"
	"time"

	"agentbridge"
)

// Door is a way into a bridge.
type Door string

// The doors. Not every target has all of them.
const (
	Engine Door = "engine" // a Session in this process: no transport at all
	HTTP   Door = "http"   // the JSON API and its event streams
	MCP    Door = "mcp"    // tools over Streamable HTTP at /mcp
	Stdio  Door = "stdio"  // tools over pipes, a process for each agent
)

// Target is a bridge to measure and how to reach it. It belongs to one run at a
// time.
type Target struct {
	Name  string // in the table
	URL   string // of the JSON API and /mcp, without a slash at the end; "" if it has none
	Token string // sent as Authorization: Bearer; "" for none

	// Bridge is the engine in this process, behind the door Engine; nil if there is none.
	Bridge agentbridge.Bridge

	// Stdio starts a process that speaks MCP over what it returns; closing that
	// ends the process. nil if there is no such door.
	Stdio func(ctx context.Context) (io.ReadWriteCloser, error)

	// Foreign marks a server that has reference B's interface and nothing beyond:
	// no conversations, no invitations, no statistics of ours.
	Foreign bool

	// PID is the server's process, for its CPU time and memory; 0 if unknown.
	// It changes when Restart is called.
	PID func() int

	// DB is the server's database file, for its size on disk; "" if unknown.
	DB string

	// Restart kills the server without warning (SIGKILL) and starts it again on
	// the same database and address; nil if it isn't ours to kill.
	Restart func(ctx context.Context) error

	// Wrong makes a token that the target must refuse and which resembles a
	// right one; nil if the target asks for none.
	Wrong func(n int) string
}

// Doors lists the ways into a target, in the order of the constants.
func (t *Target) Doors() []Door {
	var doors []Door
	if t.Bridge != nil {
		doors = append(doors, Engine)
	}
	if t.URL != "" {
		doors = append(doors, HTTP, MCP)
	}
	if t.Stdio != nil {
		doors = append(doors, Stdio)
	}
	return doors
}

// Message is one message as an agent was given it.
type Message struct {
	ID      string
	Sender  string
	Content string
	Again   bool // it came marked as handed out before
}

// Agent is one client of a target: one connection, one call at a time (a
// stream of Follow is a connection of its own). Close ends it.
type Agent interface {
	// Send publishes content under the agent's name and returns the id it was
	// stored under. A repeated key stores nothing twice; "" is no key.
	Send(ctx context.Context, channel, content, key string) (id string, err error)
	// Read returns at most limit (1..500) messages of a channel behind a message,
	// oldest first; after "" is the beginning. Fewer than limit are all there were.
	Read(ctx context.Context, channel, after string, limit int) ([]Message, error)
	// Wait is Read that blocks until there is a message, at most for timeout
	// (up to 55 s). It returns none if that runs out. after must be an id.
	Wait(ctx context.Context, channel, after string, timeout time.Duration) ([]Message, error)
	// List asks for the overview of all channels and returns how many there are.
	List(ctx context.Context) (channels int, err error)
	// Clear removes the messages of a channel.
	Clear(ctx context.Context, channel string) error
	Close() error
}

// Follower is an agent that can listen to a channel as it happens: the doors
// Engine and HTTP.
type Follower interface {
	// Follow returns once the stream stands: what is sent from then on arrives.
	Follow(ctx context.Context, channel string) (Stream, error)
}

// Stream is a channel as it happens. Next blocks; Close ends it from elsewhere,
// and so may the end of a context that Next was called with.
type Stream interface {
	Next(ctx context.Context) (Message, error)
	Close() error
}

// Talker is an agent that can hold conversations: the doors MCP and Stdio of
// targets that are not Foreign, and Engine.
type Talker interface {
	// Converse makes a conversation and returns both of its seats, and the code
	// with which a partner may take the second one instead.
	Converse(ctx context.Context) (a, b SeatKey, invite string, err error)
	// Join takes a seat with a code.
	Join(ctx context.Context, invite string) (SeatKey, error)
	// Tell sends to the partner and returns the message's id.
	Tell(ctx context.Context, from SeatKey, content, key string) (id string, err error)
	// Check takes what is unread. What it returns counts as handed out.
	Check(ctx context.Context, as SeatKey) ([]Message, error)
}

// SeatKey is what admits to a seat of a conversation.
type SeatKey struct{ Conversation, Seat, Token string }

// Settings say how much to measure. The zero value of each field means its
// default.
type Settings struct {
	Agents   []int         // numbers of agents where a scenario has several; default the scenario's own
	Duration time.Duration // of one measurement; default 5 s
	Size     int           // bytes of one message; default 1024; at least 64, at most 128 KiB
	Doors    []Door        // doors to go through; default the scenario's own
	Messages int           // how many messages the scenarios state and disk prepare at most; default 1,000,000 and 200,000
	Sessions int           // connected sessions of the scenario idle; default 2,000
	Dir      string        // of the databases, where fdatasync is measured too
}

// WithDefaults fills in what is zero.
func (s Settings) WithDefaults() Settings {
	if s.Duration <= 0 {
		s.Duration = 5 * time.Second
	}
	if s.Size <= 0 {
		s.Size = 1024
	}
	if s.Sessions <= 0 {
		s.Sessions = 2000
	}
	return s
}

// Scenario is one thing to measure.
type Scenario struct {
	Name  string
	About string // one line: what is counted, from where to where time is taken
	// Claim is the published figure of reference A that it stands against, as
	// its authors put it; "" if there is none.
	Claim string
	// Run measures and calls Run.Add for each result. An error means that it
	// could not be measured; what it measured before stands.
	Run func(ctx context.Context, r *Run) error
}

// Scenarios are all there are, in the order in which they run.
func Scenarios() []Scenario {
	return []Scenario{
		sendScenario, latencyScenario, fanoutScenario, conversationsScenario, joinScenario,
		mixedScenario, idleScenario, stateScenario, diskScenario, credentialsScenario, soakScenario,
	}
}
