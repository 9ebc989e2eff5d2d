package relay

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/redact"
	"agentbridge/internal/store"
)

// Send implements agentbridge.Session.
func (s *session) Send(ctx context.Context, d agentbridge.Draft) (sent agentbridge.Sent, err error) {
	if limit := s.relay.maxMessage; len(d.Body.Content()) > limit {
		return sent, agentbridge.Refuse(agentbridge.TooLarge, "content", "must be at most %d UTF-8 bytes on this bridge", limit)
	}
	p := posting{key: d.IdempotencyKey(), action: s.relay.action(limit.Channel, d.Sender, d.Channel)}
	body, err := s.relay.intake.draft(d, &p.changes)
	if err != nil {
		return sent, err
	}
	p.message = agentbridge.Message{Sender: d.Sender, Content: body.Content(), Encoding: body.Encoding(), At: stamp()}
	p.action.repeat = p.key != ""
	err = p.action.update(ctx, func(t store.Tx) error {
		if err := unlike(t, d.Channel, d.Sender); err != nil {
			return err
		}
		c, err := t.OpenChannel(d.Channel, false)
		if err != nil {
			return err
		}
		if c.Private { // ParseChannelName refuses these names; this is for a face that forgot it
			return agentbridge.Refuse(agentbridge.Reserved, "channel", "is a private conversation")
		}
		sent, err = p.post(t, c)
		return err
	})
	return sent, err
}

// stamp is the time as it can be stored, so that the answer to a send and every
// later look at the message agree.
func stamp() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// posting is a message on its way into a channel, the same for channels and
// conversations.
type posting struct {
	message agentbridge.Message
	key     string  // idempotency key, "" for none
	changes changes // what was done to it on its way
	action  *action
}

// sendDetail is what the audit log keeps of a message: kinds and counts of what
// was taken out, never what it was. Mostly that is nothing, and then it is
// written by hand, for it is on the path of every send; an id needs no escaping.
func sendDetail(m agentbridge.Message, c changes) agentbridge.Metadata {
	if c.sanitized > 0 || c.redacted != nil {
		return detail(struct {
			ID        agentbridge.MessageID `json:"id"`
			Seq       agentbridge.Seq       `json:"seq"`
			Bytes     int                   `json:"bytes"`
			Sanitized int                   `json:"sanitized,omitempty"`
			Redacted  redact.Found          `json:"redacted,omitempty"`
		}{m.ID, m.Seq, len(m.Content), c.sanitized, c.redacted})
	}
	return agentbridge.Metadata(fmt.Appendf(nil, `{"id":"%s","seq":%d,"bytes":%d}`, m.ID, m.Seq, len(m.Content)))
}

// post stores the message with its key and its audit entry, or finds that an
// earlier one with the same key did. Only the former is limited: a retry after a
// lost answer succeeds.
func (p posting) post(t store.Tx, c store.Channel) (agentbridge.Sent, error) {
	m := p.message
	var digest [32]byte
	if p.key != "" {
		digest = sha256.Sum256([]byte("text\x00" + m.Content + "\x00" + string(m.Metadata)))
		k, ok, err := t.Keyed(c, m.Sender, p.key)
		switch {
		case err != nil:
			return agentbridge.Sent{}, err
		case ok && k.Digest != digest:
			return agentbridge.Sent{}, agentbridge.Refuse(agentbridge.Conflict, "idempotency_key",
				"was already used for different message content; use a new key for a new message")
		case ok:
			k.Sent.Deduplicated = true
			k.Sent.Sanitized, k.Sent.Redacted = p.changes.sanitized, p.changes.redacted
			return k.Sent, nil
		}
	}
	if err := p.action.admit(t); err != nil {
		return agentbridge.Sent{}, err
	}
	m, err := t.Append(c, m)
	if err != nil {
		return agentbridge.Sent{}, err
	}
	sent := agentbridge.Sent{ID: m.ID, Seq: m.Seq, Channel: c.Name, Sender: m.Sender, At: m.At}
	if p.key != "" {
		if err := t.PutKeyed(c, m.Sender, p.key, store.Keyed{Digest: digest, Sent: sent}); err != nil {
			return sent, err
		}
	}
	sent.Sanitized, sent.Redacted = p.changes.sanitized, p.changes.redacted
	return sent, t.Log(agentbridge.Entry{At: m.At, Actor: m.Sender, Action: agentbridge.ActionSend, Target: c.Name,
		Detail: sendDetail(m, p.changes)})
}
