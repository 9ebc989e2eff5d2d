// Package wire is the JSON in which answers leave the bridge, for those who
// write it (the MCP tools, the JSON API, the event streams) and those who read
// it (the client). Keys are reference B's where it has them.
package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"agentbridge"
)

// Record is a whole message.
type Record struct {
	Seq          agentbridge.Seq         `json:"seq"`
	ID           agentbridge.MessageID   `json:"id"`
	Channel      agentbridge.ChannelName `json:"channel"`
	Sender       agentbridge.AgentName   `json:"sender"`
	Verified     bool                    `json:"verified,omitempty"` // else the sender is a label
	Content      string                  `json:"content"`
	Timestamp    string                  `json:"timestamp"`
	Encoding     agentbridge.Encoding    `json:"encoding"`
	Message      json.RawMessage         `json:"message,omitempty"`
	ParseWarning string                  `json:"parse_warning,omitempty"`
}

// RecordOf returns a message as it is written.
func RecordOf(m agentbridge.Message) Record {
	envelope, warning := m.Envelope()
	return Record{m.Seq, m.ID, m.Channel, m.Sender, m.Verified, m.Content, agentbridge.FormatTime(m.At), m.Encoding, envelope, warning}
}

// RecordsOf returns messages as they are written; none are an empty list.
func RecordsOf(list []agentbridge.Message) []Record {
	out := make([]Record, 0, len(list))
	for _, m := range list {
		out = append(out, RecordOf(m))
	}
	return out
}

// Read returns the message that was written.
func (r Record) Read() (agentbridge.Message, error) {
	at, err := ReadTime(r.Timestamp)
	return agentbridge.Message{
		Seq: r.Seq, ID: r.ID, Channel: r.Channel, Sender: r.Sender, Verified: r.Verified, Content: r.Content, Encoding: r.Encoding, At: at,
	}, err
}

// ReadTime reads what agentbridge.FormatTime wrote.
func ReadTime(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) }

// Page is an answer to a read of whole messages.
type Page struct {
	Channel    agentbridge.ChannelName `json:"channel"`
	Messages   []Record                `json:"messages"`
	NextCursor *string                 `json:"next_cursor"`
	ConsumerID *string                 `json:"consumer_id"`
	More       bool                    `json:"more"`
	Older      bool                    `json:"older,omitempty"`
	Warning    *string                 `json:"warning"` // null for none
}

// Warnings of a page.
const (
	WarnStale = "since_id_not_found"
	WarnGap   = "messages_removed"
)

// PageOf returns a page as it is written.
func PageOf(p agentbridge.Page) Page {
	return Page{Channel: p.Channel, Messages: RecordsOf(p.Messages), NextCursor: OrNull(p.Next), ConsumerID: OrNull(p.Consumer),
		More: p.More, Older: p.Older, Warning: OrNull(WarningOf(p))}
}

// WarningOf says what is wrong with a page, "" for nothing.
func WarningOf(p agentbridge.Page) string {
	switch {
	case p.Stale:
		return WarnStale
	case p.Gap:
		return WarnGap
	}
	return ""
}

// WaitPage is an answer to a wait.
type WaitPage struct {
	Page
	TimedOut bool `json:"timed_out"`
}

// OrNull is a string that is null when empty.
func OrNull[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	text := string(s)
	return &text
}

// Cursor is an answer to an acknowledgement.
type Cursor struct {
	ConsumerID    agentbridge.AgentName   `json:"consumer_id"`
	Channel       agentbridge.ChannelName `json:"channel"`
	LastSeq       agentbridge.Seq         `json:"last_seq"`
	LastMessageID agentbridge.MessageID   `json:"last_message_id"`
	UpdatedAt     string                  `json:"updated_at"`
	Advanced      bool                    `json:"advanced"`
}

// CursorOf returns a cursor as it is written.
func CursorOf(c agentbridge.Cursor) Cursor {
	return Cursor{c.Consumer, c.Channel, c.Seq, c.MessageID, agentbridge.FormatTime(c.UpdatedAt), c.Advanced}
}

// Cleared is an answer to a clear.
type Cleared struct {
	Channel agentbridge.ChannelName `json:"channel"`
	Cleared int64                   `json:"cleared"`
}

// Channels is a listing of channels.
type Channels struct {
	Channels      []Channel `json:"channels"`
	TotalChannels int64     `json:"total_channels"`
	TotalMessages int64     `json:"total_messages"`
	NextChannel   *string   `json:"next_channel"`
}

// Channel is a line of Channels.
type Channel struct {
	Channel       agentbridge.ChannelName `json:"channel"`
	Count         int64                   `json:"count"`
	LastTimestamp string                  `json:"last_timestamp"`
	Senders       []agentbridge.AgentName `json:"senders,omitempty"`
}

// ChannelsOf returns a listing as it is written.
func ChannelsOf(l agentbridge.ChannelList) Channels {
	lines := make([]Channel, 0, len(l.Channels))
	for _, c := range l.Channels {
		lines = append(lines, Channel{c.Name, c.Count, agentbridge.FormatTime(c.LastAt), c.Senders})
	}
	return Channels{lines, l.TotalChannels, l.TotalMessages, OrNull(l.Next)}
}

// Overview shows the newest messages of several channels.
type Overview struct {
	Channels    []View  `json:"channels"`
	NextChannel *string `json:"next_channel"`
}

// View is a channel in an Overview.
type View struct {
	Channel  agentbridge.ChannelName `json:"channel"`
	Total    int64                   `json:"total"`
	Messages []Record                `json:"messages"`
}

// OverviewOf returns an overview as it is written.
func OverviewOf(o agentbridge.Overview) Overview {
	views := make([]View, 0, len(o.Channels))
	for _, c := range o.Channels {
		views = append(views, View{c.Name, c.Total, RecordsOf(c.Messages)})
	}
	return Overview{views, OrNull(o.Next)}
}

// Health is an answer to a ping.
type Health struct {
	Service    string `json:"service"`
	Version    string `json:"version"`
	Channels   int64  `json:"channels"`
	Messages   int64  `json:"messages"`
	ServerTime string `json:"server_time"`
	// Checkpoint is the note of the audit log's last checkpoint, null if there
	// is none. Whoever keeps it will notice if the log is rolled back.
	Checkpoint *string `json:"audit_checkpoint"`
}

// HealthOf returns an answer to a ping as it is written.
func HealthOf(h agentbridge.Health) Health {
	return Health{agentbridge.Service, agentbridge.Version, h.Channels, h.Messages, agentbridge.FormatTime(h.Time), OrNull(h.Checkpoint.Note)}
}

// Changes say what a message lost on its way to the store. Nothing lost is no
// key at all.
type Changes struct {
	Redacted  bool           `json:"redacted,omitempty"`  // secrets have placeholders in their place
	Kinds     map[string]int `json:"kinds,omitempty"`     // how often, by placeholder
	Sanitized int            `json:"sanitized,omitempty"` // control and invisible characters
}

// ChangesOf returns what was changed as it is written.
func ChangesOf(s agentbridge.Sent) Changes {
	return Changes{Redacted: len(s.Redacted) > 0, Kinds: s.Redacted, Sanitized: s.Sanitized}
}

// Prose says in a sentence or two what was changed, "" for nothing.
func (c Changes) Prose() string {
	var say []string
	if c.Redacted {
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(c.Kinds)) {
			kinds = append(kinds, fmt.Sprintf("%s × %d", kind, c.Kinds[kind]))
		}
		say = append(say, "Secrets were taken out before it was stored: "+strings.Join(kinds, ", ")+". If a secret was real, it has been where it should not be: change it.")
	}
	if c.Sanitized > 0 {
		say = append(say, fmt.Sprintf("Control or invisible characters were taken out: %d.", c.Sanitized))
	}
	return strings.Join(say, " ")
}
