package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"agentbridge"
	"agentbridge/internal/wire"
)

// send is POST /api/send. Everything is checked before anything is stored.
func send(ctx context.Context, c *call) (any, error) {
	f, err := readBody(c)
	if err != nil {
		return nil, err
	}
	who := agentbridge.PrincipalOf(ctx)
	draft, err := readDraft(f, who)
	if err != nil {
		return nil, sendRefusal(err)
	}
	sent, err := c.session.Send(ctx, draft)
	if err != nil {
		return nil, sendRefusal(err)
	}
	out := wire.Sent{ID: sent.ID, Seq: sent.Seq, Channel: sent.Channel, TS: agentbridge.FormatTime(sent.At), Deduplicated: sent.Deduplicated,
		Changes: wire.ChangesOf(sent)}
	if who.Verified() {
		out.Sender = sent.Sender
	}
	return out, nil
}

func readDraft(f fields, who agentbridge.Principal) (d agentbridge.Draft, err error) {
	if d.Channel, err = f.channel(); err != nil {
		return d, err
	}
	if f["sender"] != nil || !who.Verified() { // a verified sender is one without saying so
		if d.Sender, err = f.agent("sender"); err != nil {
			return d, err
		}
	}
	if d.Body, err = readContent(f); err != nil {
		return d, err
	}
	if f["idempotency_key"] == nil {
		return d, nil
	}
	key, err := f.text("idempotency_key")
	if err != nil {
		return d, err
	}
	d.Key, err = agentbridge.ParseKey(key)
	return d, err
}

func readContent(f fields) (agentbridge.Body, error) {
	_, isText := f["content"]
	_, isEnvelope := f["message"]
	if isText == isEnvelope {
		return agentbridge.Body{}, agentbridge.Refuse(agentbridge.Required, "content", "provide exactly one of content or message")
	}
	if isText {
		content, err := f.text("content")
		if err != nil {
			return agentbridge.Body{}, err
		}
		return agentbridge.Text(content)
	}
	envelope, err := f.object("message")
	if err != nil {
		return agentbridge.Body{}, err
	}
	return agentbridge.ParseEnvelope(envelope)
}

// sendRefusal words a refusal as reference B does for sends alone: with the
// field in front, and in other words if the content is too large.
func sendRefusal(err error) error {
	e, ok := errors.AsType[*agentbridge.Error](err)
	if !ok {
		return err
	}
	if e.Code != agentbridge.TooLarge {
		return word(e.Error(), e)
	}
	limit := strconv.Itoa(agentbridge.MaxContent)
	if own, ok := strings.CutPrefix(e.Message, "must be at most "); ok && e.Field == "content" {
		limit, _, _ = strings.Cut(own, " ") // this bridge's
	}
	return word("content exceeds "+limit+" bytes", e)
}

// ack is POST /api/ack.
func ack(ctx context.Context, c *call) (any, error) {
	f, err := readBody(c)
	if err != nil {
		return nil, err
	}
	a, err := readAck(ctx, c.session, f)
	if err != nil {
		return nil, err
	}
	cur, err := c.session.Ack(ctx, a)
	if err != nil {
		return nil, ackRefusal(err)
	}
	return wire.CursorOf(cur), nil
}

func readAck(ctx context.Context, s agentbridge.Session, f fields) (a agentbridge.Ack, err error) {
	if a.Channel, err = f.channel(); err != nil {
		return a, err
	}
	id, err := f.text("message_id")
	if err != nil {
		return a, err
	}
	if a.MessageID, err = agentbridge.ParseMessageID("message_id", id); err != nil {
		return a, err
	}
	if a.Consumer, err = f.agent("consumer_id"); err != nil {
		return a, err
	}
	if f["metadata"] == nil {
		return a, nil
	}
	if a.Metadata, err = readMetadata(f); err != nil { // a message that is not there is the worse fault
		if m, missing := s.Message(ctx, a.MessageID); agentbridge.CodeOf(missing) == agentbridge.NotFound || m.Channel != a.Channel && missing == nil {
			return a, ackRefusal(agentbridge.Refuse(agentbridge.NotFound, "message_id", "does not exist in this channel"))
		}
	}
	return a, err
}

func readMetadata(f fields) (agentbridge.Metadata, error) {
	object, err := f.object("metadata")
	if err != nil {
		return nil, err
	}
	metadata, err := agentbridge.ParseMetadata("metadata", object)
	if e, ok := errors.AsType[*agentbridge.Error](err); ok { // never 413: the body as a whole is not too large
		return nil, &worded{refusal: e, text: e.Message, status: http.StatusBadRequest}
	}
	return metadata, err
}

func ackRefusal(err error) error {
	if e, ok := errors.AsType[*agentbridge.Error](err); ok && e.Code == agentbridge.NotFound {
		return word("message_id does not exist in this channel", e)
	}
	return err
}

// clearChannel is POST /api/clear.
func clearChannel(ctx context.Context, c *call) (any, error) {
	f, err := readBody(c)
	if err != nil {
		return nil, err
	}
	channel, err := f.channel()
	if err != nil {
		return nil, err
	}
	n, err := c.session.Clear(ctx, channel)
	return wire.Cleared{Channel: channel, Cleared: n}, err
}
