package wire

import (
	"encoding/json"

	"agentbridge"
)

// This file is what only the JSON API says.

// Error is the body of every refusal. Error holds what a person should read;
// the others are set where they are known.
type Error struct {
	Error   string           `json:"error"`
	Field   string           `json:"field,omitempty"`
	Code    agentbridge.Code `json:"code,omitempty"`
	Message string           `json:"message,omitempty"`
	Hint    string           `json:"hint,omitempty"`
}

// Status is GET /status, which everybody may ask.
type Status struct {
	Service    string `json:"service"`
	Status     string `json:"status"` // "online"
	Version    string `json:"version"`
	ServerTime string `json:"server_time"`
}

// State is GET /api/state.
type State struct {
	Service          string         `json:"service"`
	Status           string         `json:"status"` // "online"
	Version          string         `json:"version"`
	UptimeSeconds    int64          `json:"uptime_seconds"`
	UptimeHuman      string         `json:"uptime_human"` // HH:MM:SS
	TotalMessages    int64          `json:"total_messages"`
	TotalChannels    int64          `json:"total_channels"`
	Channels         []StateChannel `json:"channels"` // by id
	NextChannel      string         `json:"next_channel,omitempty"`
	SSESubscribers   int64          `json:"sse_subscribers"`
	SSEDroppedEvents int64          `json:"sse_dropped_events"`
	RetentionDays    int            `json:"retention_days"` // 0: kept for ever
	AuditEnabled     bool           `json:"audit_enabled"`
	AuditCheckpoint  *string        `json:"audit_checkpoint"` // as in Health
	ServerTime       string         `json:"server_time"`
}

// StateChannel is a channel in a State. An id "group:name" is split at its
// first colon; without one, or without a name behind it, the group is empty.
type StateChannel struct {
	ID         agentbridge.ChannelName `json:"id"`
	Group      string                  `json:"group"`
	Name       string                  `json:"name"`
	Count      int64                   `json:"count"`
	LastTS     string                  `json:"last_ts"` // HH:MM:SS, UTC
	LastTSFull string                  `json:"last_ts_full"`
	Senders    []agentbridge.AgentName `json:"senders"`
}

// Listing is GET /api/messages. An empty channel read without a cursor is
// {"channel":…,"messages":[]} and nothing else.
type Listing struct {
	Channel    agentbridge.ChannelName `json:"channel"`
	Messages   []Listed                `json:"messages"`
	NextCursor *string                 `json:"next_cursor,omitempty"`
	ConsumerID string                  `json:"consumer_id,omitempty"`
	Warning    string                  `json:"warning,omitempty"`
	More       bool                    `json:"more,omitempty"`
	Older      bool                    `json:"older,omitempty"`
}

// Listed is a message in a Listing: with its whole content if that was asked
// for (full=1), otherwise with the first 200 characters as a preview.
type Listed struct {
	Seq      agentbridge.Seq       `json:"seq"`
	ID       agentbridge.MessageID `json:"id"`
	TS       string                `json:"ts"`
	TSFull   string                `json:"ts_full"`
	Sender   agentbridge.AgentName `json:"sender"`
	Verified bool                  `json:"verified,omitempty"`
	IsJSON   bool                  `json:"is_json"`
	Preview  *string               `json:"preview,omitempty"`
	Content  *string               `json:"content,omitempty"`
	Encoding agentbridge.Encoding  `json:"encoding"`
	Message  json.RawMessage       `json:"message,omitempty"`
}

// Detail is GET /api/messages/{id}.
type Detail struct {
	Seq           agentbridge.Seq         `json:"seq"`
	ID            agentbridge.MessageID   `json:"id"`
	Channel       agentbridge.ChannelName `json:"channel"`
	Sender        agentbridge.AgentName   `json:"sender"`
	Verified      bool                    `json:"verified,omitempty"`
	TS            string                  `json:"ts"`
	IsJSON        bool                    `json:"is_json"`
	Content       string                  `json:"content"`
	ContentParsed json.RawMessage         `json:"content_parsed"` // null if the content is not JSON
	Bytes         int                     `json:"bytes"`          // of the content, UTF-8
	Encoding      agentbridge.Encoding    `json:"encoding"`
	Message       json.RawMessage         `json:"message,omitempty"`
	ParseWarning  string                  `json:"parse_warning,omitempty"`
}

// SendRequest is POST /api/send: exactly one of Content and Message. Whoever
// has a token of its own may leave the sender out.
type SendRequest struct {
	Channel        agentbridge.ChannelName `json:"channel"`
	Sender         agentbridge.AgentName   `json:"sender,omitempty"`
	Content        *string                 `json:"content,omitempty"`
	Message        json.RawMessage         `json:"message,omitempty"`
	IdempotencyKey string                  `json:"idempotency_key,omitempty"`
}

// Sent is the answer to POST /api/send.
type Sent struct {
	ID           agentbridge.MessageID   `json:"id"`
	Seq          agentbridge.Seq         `json:"seq"`
	Channel      agentbridge.ChannelName `json:"channel"`
	TS           string                  `json:"ts"`
	Deduplicated bool                    `json:"deduplicated"`
	// Sender is told to whoever has a token of its own, and so a name that it
	// need not give.
	Sender agentbridge.AgentName `json:"sender,omitempty"`
	Changes
}

// AckRequest is POST /api/ack; its answer is a Cursor.
type AckRequest struct {
	Channel    agentbridge.ChannelName `json:"channel"`
	ConsumerID agentbridge.AgentName   `json:"consumer_id"`
	MessageID  agentbridge.MessageID   `json:"message_id"`
	Metadata   json.RawMessage         `json:"metadata,omitempty"`
}

// ClearRequest is POST /api/clear; its answer is a Cleared.
type ClearRequest struct {
	Channel agentbridge.ChannelName `json:"channel"`
}

// ConversationRequest is POST /api/conversations; its answer is a Conversation.
type ConversationRequest struct {
	MyRole      agentbridge.Role `json:"my_role"`
	PartnerRole agentbridge.Role `json:"partner_role"`
}

// Session is the answer of /api/session.
type Session struct {
	Authenticated bool `json:"authenticated"`
	AuthRequired  bool `json:"auth_required"`
	// Agent is whose token it was, absent for one that is nobody's in particular;
	// Roles are what it may do.
	Agent agentbridge.AgentName    `json:"agent,omitempty"`
	Roles []agentbridge.AccessRole `json:"roles,omitempty"`
}

// Audit is GET /api/audit, newest first.
type Audit struct {
	Enabled bool         `json:"enabled"`
	Events  []AuditEvent `json:"events"`
	// NextBefore is the before of the page behind this one, absent at the end.
	NextBefore int64 `json:"next_before,omitempty"`
}

// AuditEvent is an entry of the audit log.
type AuditEvent struct {
	ID        int64   `json:"id"`
	Timestamp string  `json:"timestamp"`
	Event     string  `json:"event"`
	Channel   *string `json:"channel"`
	Detail    *string `json:"detail"`
	IP        *string `json:"ip"`
	Actor     string  `json:"actor"`
}
