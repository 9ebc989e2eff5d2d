package httpapi

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

const (
	defaultListing = 50      // messages of a listing unless told
	previewLength  = 200     // code points
	maxPreviews    = 4 << 20 // bytes of messages that are read to show previews of them
)

// listing is a wire.Listing in which next_cursor is null where reference B has
// a null: when a cursor was given and there is nothing to go on from.
type listing struct {
	wire.Listing
	NextCursor json.RawMessage `json:"next_cursor,omitempty"`
}

// messages is GET /api/messages.
func messages(ctx context.Context, c *call) (any, error) {
	r, err := listingRequest(c.query)
	if err != nil {
		return nil, err
	}
	page, err := c.session.Read(ctx, r)
	if err != nil {
		return nil, err
	}
	full := c.query.flag("full")
	out := listing{Listing: wire.Listing{Channel: page.Channel, Messages: make([]wire.Listed, 0, len(page.Messages)),
		ConsumerID: string(page.Consumer), Warning: wire.WarningOf(page), More: page.More, Older: page.Older}}
	for _, m := range page.Messages {
		out.Messages = append(out.Messages, listed(m, full))
	}
	if len(page.Messages) > 0 || r.After != "" || r.Consumer != "" {
		out.NextCursor, err = json.Marshal(wire.OrNull(page.Next))
	}
	return out, err
}

func listingRequest(q params) (r agentbridge.ReadRequest, err error) {
	if q.get("channel") == "" {
		return r, word("channel parameter required", agentbridge.Refuse(agentbridge.Required, "channel", "must not be empty"))
	}
	if r.Channel, err = agentbridge.ParseChannelName(q.get("channel")); err != nil {
		return r, err
	}
	if r.After, r.Consumer, err = q.cursor(); err != nil {
		return r, err
	}
	before, err := q.positive("before_seq")
	if err != nil {
		return r, err
	}
	if before != 0 && (r.After != "" || r.Consumer != "") {
		return r, agentbridge.Refuse(agentbridge.InvalidValue, "before_seq", "leads backwards and since_id or consumer_id forwards; pass one of them")
	}
	r.Before = agentbridge.Seq(before)
	r.Limit = q.clamped("limit", defaultListing, 1, agentbridge.MaxPage)
	bound := maxPreviews
	if q.flag("full") {
		bound = maxReply
	}
	r.MaxBytes, err = q.maxBytes(bound)
	return r, err
}

func listed(m agentbridge.Message, full bool) wire.Listed {
	at := agentbridge.FormatTime(m.At)
	envelope, _ := m.Envelope()
	l := wire.Listed{Seq: m.Seq, ID: m.ID, TS: at, TSFull: at, Sender: m.Sender, Verified: m.Verified, IsJSON: isJSON(m.Content), Encoding: m.Encoding, Message: envelope}
	if full {
		l.Content = &m.Content
	} else {
		preview := agentbridge.Preview(m.Content, previewLength)
		l.Preview = &preview
	}
	return l
}

// isJSON tells whether content is a JSON object or array.
func isJSON(content string) bool {
	trimmed := strings.TrimSpace(content)
	return (strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")) && json.Valid([]byte(trimmed))
}

// detail is GET /api/messages/{id}. An id that can't be one is not found.
func detail(ctx context.Context, c *call) (any, error) {
	id, err := agentbridge.ParseMessageID("message_id", strings.TrimPrefix(c.URL.Path, messagePath))
	if err != nil {
		return nil, errNoMessage
	}
	m, err := c.session.Message(ctx, id)
	if agentbridge.CodeOf(err) == agentbridge.NotFound {
		return nil, errNoMessage
	}
	if err != nil {
		return nil, err
	}
	envelope, warning := m.Envelope()
	return wire.Detail{
		Seq: m.Seq, ID: m.ID, Channel: m.Channel, Sender: m.Sender, Verified: m.Verified, TS: agentbridge.FormatTime(m.At),
		IsJSON: isJSON(m.Content), Content: m.Content, ContentParsed: parsed(m.Content), Bytes: len(m.Content),
		Encoding: m.Encoding, Message: envelope, ParseWarning: warning,
	}, nil
}

// parsed returns content as a JSON value, nil if it is no object or array that
// every reader can take: one poisoned message must not make an answer
// unreadable.
func parsed(content string) json.RawMessage {
	if !isJSON(content) {
		return nil
	}
	trimmed := []byte(strings.TrimSpace(content))
	if _, err := agentbridge.DecodeJSON("content", trimmed); err != nil {
		return nil
	}
	return trimmed
}

// wait is GET /api/wait.
func wait(ctx context.Context, c *call) (any, error) {
	r, timeout, err := waitRequest(c.query)
	if err != nil {
		return nil, err
	}
	waiting, cancel := c.server.untilClose(ctx)
	defer cancel()
	page, err := c.session.Wait(waiting, r, timeout)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return nil, errClosing
	}
	if err != nil {
		return nil, err
	}
	return wire.WaitPage{Page: wire.PageOf(page), TimedOut: page.TimedOut}, nil
}

func waitRequest(q params) (r agentbridge.ReadRequest, timeout time.Duration, err error) {
	limit, seconds := agentbridge.DefaultPage, agentbridge.DefaultWait.Seconds()
	limitOK, secondsOK := true, true
	if q.has("limit") {
		limit, limitOK = parseInt(q.get("limit"))
	}
	if q.has("timeout_seconds") {
		seconds, secondsOK = parseSeconds(q.get("timeout_seconds"))
	}
	if !limitOK || !secondsOK {
		const must = "limit and timeout_seconds must be numeric"
		return r, 0, agentbridge.Refuse(agentbridge.InvalidType, "", must)
	}
	r.Limit = min(max(limit, 1), agentbridge.MaxPage)
	timeout = time.Duration(min(max(seconds, 0), agentbridge.MaxWait.Seconds()) * float64(time.Second))
	if r.Channel, err = agentbridge.ParseChannelName(q.get("channel")); err != nil {
		return r, 0, err
	}
	if r.After, r.Consumer, err = q.cursor(); err != nil {
		return r, 0, err
	}
	if r.After == "" && r.Consumer == "" {
		return r, 0, agentbridge.Refuse(agentbridge.Required, "cursor", "bridge_wait requires since_id or consumer_id")
	}
	r.MaxBytes, err = q.maxBytes(maxReply)
	return r, timeout, err
}
