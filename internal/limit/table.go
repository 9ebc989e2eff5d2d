package limit

import (
	"slices"
	"time"
)

// Class is a kind of action that has a limit.
type Class string

const (
	Conversation       Class = "conversation"
	Channel            Class = "channel"
	CreateConversation Class = "create_conversation"
	AuthFailure        Class = "auth_failure"
	Ack                Class = "ack"
	Check              Class = "check"
	Status             Class = "status"
	Clear              Class = "clear"
)

// Classes are all of them.
func Classes() []Class {
	return []Class{Conversation, Channel, CreateConversation, AuthFailure, Ack, Check, Status, Clear}
}

// Table is the limits of a bridge. A class that is not in it has none.
type Table map[Class]Rule

// Default is the limits that hold unless others are asked for. Each counts for
// one principal at a time: what one uses is never missing for another.
func Default() Table {
	return Table{
		// Messages to the partner, for each session of each conversation: as many
		// as two agents that think need, and what reference A promises.
		Conversation: {{10, time.Minute}, {100, time.Hour}, {500, 24 * time.Hour}},

		// Messages on channels, for each sender: a brake for loops, not for people.
		Channel: {{6000, time.Minute}},

		// New conversations, for all that connect without a name of their own.
		CreateConversation: {{30, time.Minute}, {300, time.Hour}},

		// Wrong tokens for a session, and wrong invites. A right one is always let in;
		// this only slows down who guesses.
		AuthFailure: {{60, time.Minute}},

		// Acknowledgements, for each consumer: as many as there may be messages of
		// one sender.
		Ack: {{6000, time.Minute}},

		// Looks for messages and at the partner, for each session: ten a second
		// are more than anybody gains by polling.
		Check: {{600, time.Minute}},

		// Reports of what one is doing, for each session.
		Status: {{120, time.Minute}},

		// Cleared channels, for all that connect without a name of their own.
		Clear: {{600, time.Minute}},
	}
}

// MultiAgent is the limits for agents that work in parallel and talk a lot.
func MultiAgent() Table {
	t := Default()
	t[Conversation] = Rule{{100, time.Minute}, {500, time.Hour}, {2000, 24 * time.Hour}}
	return t
}

// Off is no limits.
func Off() Table { return Table{} }

// Names are the tables that Named knows.
func Names() []string { return []string{"default", "multi-agent", "off"} }

// Named returns a table by its name.
func Named(name string) (t Table, ok bool) {
	i := slices.Index(Names(), name)
	if i < 0 {
		return nil, false
	}
	return []func() Table{Default, MultiAgent, Off}[i](), true
}
