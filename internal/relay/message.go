package relay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/redact"
	"agentbridge/internal/store"
	"agentbridge/internal/token"
)

// Send implements agentbridge.Session.
func (s *session) Send(ctx context.Context, d agentbridge.Draft) (sent agentbridge.Sent, err error) {
	if err := s.may(ctx, opSend, d.Channel); err != nil {
		return sent, err
	}
	if d.Sender, err = s.sender(ctx, d.Channel, d.Sender); err != nil {
		return sent, err
	}
	if limit := s.relay.maxMessage; len(d.Body.Content()) > limit {
		return sent, agentbridge.Refuse(agentbridge.TooLarge, "content", "must be at most %d UTF-8 bytes on this bridge", limit)
	}
	p := posting{key: d.IdempotencyKey(), action: s.relay.action(limit.Channel, s.who, d.Sender, d.Channel)}
	body, err := s.relay.intake.draft(d, &p.changes)
	if err != nil {
		return sent, err
	}
	p.verified = s.who.Verified()
	p.message = agentbridge.Message{Sender: d.Sender, Verified: p.verified, Content: body.Content(), Encoding: body.Encoding(), At: stamp()}
	p.action.repeat = p.key != ""
	err = p.action.update(ctx, func(t store.Tx) error {
		if err := s.unlike(t, d.Channel, d.Sender); err != nil {
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
	message  agentbridge.Message
	verified bool    // the sender's name, or the owner of its seat, is known
	key      string  // idempotency key, "" for none
	changes  changes // what was done to it on its way
	action   *action
}

// ContentHash is what the audit log keeps of a message's content: enough to show
// that a stored message is not the one that was logged, and without the key
// nothing to guess by.
func ContentHash(k token.Key, m agentbridge.Message) string {
	verified := ""
	if m.Verified {
		verified = "verified"
	}
	sum := k.Sum("content", string(m.ID), string(m.Channel), string(m.Sender), verified, string(m.Encoding), m.Content, string(m.Metadata))
	return hex.EncodeToString(sum[:16])
}

// sendDetail is what the audit log keeps of a message: kinds and counts of what
// was taken out, never what it was. Mostly that is nothing, and then it is
// written by hand, for it is on the path of every send; an id needs no escaping.
func sendDetail(m agentbridge.Message, hash string, c changes, verified bool) agentbridge.Metadata {
	if c.sanitized > 0 || c.redacted != nil {
		return detail(struct {
			ID        agentbridge.MessageID `json:"id"`
			Seq       agentbridge.Seq       `json:"seq"`
			Bytes     int                   `json:"bytes"`
			Hash      string                `json:"hash"`
			Sanitized int                   `json:"sanitized,omitempty"`
			Redacted  redact.Found          `json:"redacted,omitempty"`
			Verified  bool                  `json:"verified,omitempty"`
		}{m.ID, m.Seq, len(m.Content), hash, c.sanitized, c.redacted, verified})
	}
	end := "}"
	if verified {
		end = `,"verified":true}`
	}
	return agentbridge.Metadata(fmt.Appendf(nil, `{"id":"%s","seq":%d,"bytes":%d,"hash":"%s"%s`, m.ID, m.Seq, len(m.Content), hash, end))
}

// keyed is the idempotency key as it is kept. Those of a name that is verified
// are apart from those of the label that it was before: nobody can have taken
// them beforehand. No key that was given holds such a character.
func (p posting) keyed() string {
	if p.message.Verified {
		return "\x01" + p.key
	}
	return p.key
}

// digests of the content that a key stands for: with the bridge's key, or short
// messages could be guessed from a stolen database, and as earlier versions made
// them.
func (p posting) digests(c store.Channel) (now, before [32]byte) {
	m := p.message
	return p.action.relay.key.Sum("idempotency", string(c.Name), string(m.Sender), m.Content, string(m.Metadata)),
		sha256.Sum256([]byte("text\x00" + m.Content + "\x00" + string(m.Metadata)))
}

// post stores the message with its key and its audit entry, or finds that an
// earlier one with the same key did. Only the former is limited: a retry after a
// lost answer succeeds.
func (p posting) post(t store.Tx, c store.Channel) (agentbridge.Sent, error) {
	if p.key != "" {
		if sent, done, err := p.earlier(t, c); done || err != nil {
			return sent, err
		}
	}
	if err := p.action.admit(t); err != nil {
		return agentbridge.Sent{}, err
	}
	m, err := t.Append(c, p.message)
	if err != nil {
		return agentbridge.Sent{}, err
	}
	sent := agentbridge.Sent{ID: m.ID, Seq: m.Seq, Channel: c.Name, Sender: m.Sender, At: m.At}
	if p.key != "" {
		digest, _ := p.digests(c)
		if err := t.PutKeyed(c, m.Sender, p.keyed(), store.Keyed{Digest: digest, Sent: sent}); err != nil {
			return sent, err
		}
	}
	sent.Sanitized, sent.Redacted = p.changes.sanitized, p.changes.redacted
	return sent, t.Log(agentbridge.Entry{At: m.At, Actor: m.Sender, Action: agentbridge.ActionSend, Target: c.Name,
		Detail: sendDetail(m, ContentHash(p.action.relay.key, m), p.changes, p.verified)})
}

// earlier finds what was sent before with the same key.
func (p posting) earlier(t store.Tx, c store.Channel) (sent agentbridge.Sent, done bool, err error) {
	k, done, err := t.Keyed(c, p.message.Sender, p.keyed())
	if err != nil || !done {
		return sent, false, err
	}
	if now, before := p.digests(c); k.Digest != now && k.Digest != before {
		return sent, false, agentbridge.Refuse(agentbridge.Conflict, "idempotency_key",
			"was already used for different message content; use a new key for a new message")
	}
	sent = k.Sent
	sent.Deduplicated = true
	sent.Sanitized, sent.Redacted = p.changes.sanitized, p.changes.redacted
	return sent, true, nil
}
