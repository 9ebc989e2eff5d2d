package client

import (
	"cmp"
	"context"
	"crypto/rand"

	"agentbridge"
	"agentbridge/internal/wire"
)

// Send implements agentbridge.Session. A draft without an idempotency key gets
// a random one, so that it can be sent again when nobody answered without being
// stored twice. One without a sender is from whose token the client has.
//
// The body travels as text even if it is an envelope: it is canonical already,
// and the bridge finds out what a text is.
func (c *Client) Send(ctx context.Context, d agentbridge.Draft) (agentbridge.Sent, error) {
	content, key := d.Body.Content(), d.IdempotencyKey()
	own := key == ""
	if own {
		key = "client-" + rand.Text()
	}
	what := post("/api/send", wire.SendRequest{Channel: d.Channel, Sender: d.Sender, Content: &content, IdempotencyKey: key})
	what.tries = writeTries
	w, err := ask(ctx, c, what, func(w wire.Sent) bool { return w.ID != "" && w.Channel == d.Channel })
	if err != nil {
		return agentbridge.Sent{}, err
	}
	at, err := wire.ReadTime(w.TS)
	if err != nil {
		return agentbridge.Sent{}, c.foreign("the time in its answer makes no sense")
	}
	sent := agentbridge.Sent{ID: w.ID, Seq: w.Seq, Channel: w.Channel, Sender: cmp.Or(w.Sender, d.Sender), At: at, Deduplicated: w.Deduplicated,
		Redacted: w.Kinds, Sanitized: w.Sanitized}
	if own {
		sent.Deduplicated = false // only an earlier try of this very call can have stored it
	}
	return sent, nil
}

// Message implements agentbridge.Session.
func (c *Client) Message(ctx context.Context, id agentbridge.MessageID) (agentbridge.Message, error) {
	if _, err := agentbridge.ParseMessageID("id", string(id)); err != nil {
		return agentbridge.Message{}, agentbridge.Refuse(agentbridge.NotFound, "", "no message has this id")
	}
	d, err := ask(ctx, c, get("/api/messages/"+segment(string(id)), nil), func(d wire.Detail) bool { return d.ID == id })
	if err != nil {
		return agentbridge.Message{}, err
	}
	m, err := wire.Record{Seq: d.Seq, ID: d.ID, Channel: d.Channel, Sender: d.Sender, Verified: d.Verified, Content: d.Content, Timestamp: d.TS, Encoding: d.Encoding}.Read()
	if err != nil {
		return agentbridge.Message{}, c.foreign("the time in its answer makes no sense")
	}
	return m, nil
}
