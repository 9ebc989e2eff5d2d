package relay

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/store"
)

// CreateConversation implements agentbridge.Session.
func (s *session) CreateConversation(ctx context.Context, mine, partners agentbridge.Role) (n agentbridge.NewConversation, err error) {
	if err := s.may(ctx, opConverse, ""); err != nil {
		return n, err
	}
	now := time.Now()
	conv := store.Conversation{
		ID:         newConversationID(),
		RoleA:      agentbridge.Role(s.relay.intake.text(string(mine), &changes{})),
		RoleB:      agentbridge.Role(s.relay.intake.text(string(partners), &changes{})),
		Generation: 1,
		OwnerA:     s.who.Name,
		CreatedAt:  now,
		ExpiresAt:  now.Add(s.relay.ttl),
	}
	act := s.relay.action(limit.CreateConversation, s.who, "", "")
	err = act.update(ctx, func(t store.Tx) error {
		if err := create(t, s.who, conv); err != nil {
			return err
		}
		if n.Invite, n.InviteExpires, err = s.relay.invite(t, conv); err != nil {
			return err
		}
		return act.admit(t)
	})
	if err != nil {
		return agentbridge.NewConversation{}, err
	}
	n.ID, n.Seat, n.ExpiresAt = conv.ID, agentbridge.SeatA, conv.ExpiresAt
	n.TokenA = s.relay.key.Derive(conv.ID, agentbridge.SeatA, conv.Generation)
	if !s.relay.inviteOnly {
		n.TokenB = s.relay.key.Derive(conv.ID, agentbridge.SeatB, conv.Generation)
	}
	return n, nil
}

func newConversationID() agentbridge.ConversationID {
	var b [8]byte
	rand.Read(b[:])
	return agentbridge.ConversationID("conv_" + hex.EncodeToString(b[:]))
}

func create(t store.Tx, by agentbridge.Principal, conv store.Conversation) error {
	c, err := t.OpenChannel(conv.ID.Channel(), true)
	if err != nil {
		return err
	}
	if err := t.PutConversation(conv); err != nil {
		return err
	}
	if err := t.PutPresence(c, agentbridge.SeatA.Agent(), store.Presence{HeartbeatAt: conv.CreatedAt}); err != nil {
		return err
	}
	return t.Log(agentbridge.Entry{At: conv.CreatedAt, Actor: sitter(conv.OwnerA, agentbridge.SeatA), Action: agentbridge.ActionCreateConversation,
		Target: conv.ID.Channel(), Detail: deed(by, map[string]any{"role_a": conv.RoleA, "role_b": conv.RoleB})})
}

// sitter is how the audit log names who took a seat: its owner if it has one.
func sitter(owner agentbridge.AgentName, s agentbridge.Seat) agentbridge.AgentName {
	if owner != "" {
		return owner
	}
	return s.Agent()
}

// Sit implements agentbridge.Bridge.
func (r *Relay) Sit(ctx context.Context, p agentbridge.Principal, cred agentbridge.SeatCredential) (agentbridge.SeatSession, error) {
	// First of all: who may hold no conversations learns nothing about one by a
	// token that it found.
	if err := r.may(ctx, p, opConverse, ""); err != nil {
		return nil, err
	}
	var conv store.Conversation
	var known bool
	err := r.store.View(ctx, func(v store.Reader) (err error) {
		conv, known, err = v.Conversation(cred.Conversation)
		return err
	})
	if err != nil {
		return nil, err
	}
	// An unknown conversation takes the same way as a wrong token, so that the
	// answer does not tell which ids exist.
	if !r.admits(p, conv, cred) || !known {
		r.denied(ctx, p, cred, known, "wrong token")
		return nil, r.wrongToken(ctx, p)
	}
	if !time.Now().Before(conv.ExpiresAt) {
		r.denied(ctx, p, cred, known, "expired")
		return nil, expired(conv)
	}
	return &seat{relay: r, who: p, conv: conv, seat: cred.Seat}, nil
}

// admits tells whether a credential admits a principal to its seat. A seat that
// has an owner admits nobody else, whatever token he found; the owner may leave
// the token out, but not give a wrong one.
func (r *Relay) admits(p agentbridge.Principal, conv store.Conversation, cred agentbridge.SeatCredential) bool {
	right := r.key.Verify(cred.Token, cred.Conversation, cred.Seat, max(conv.Generation, 1))
	if owner := ownerOf(conv, cred.Seat); owner != "" {
		return p.Name == owner && (right || cred.Token == "")
	}
	return right
}

func ownerOf(conv store.Conversation, s agentbridge.Seat) agentbridge.AgentName {
	switch s {
	case agentbridge.SeatA:
		return conv.OwnerA
	case agentbridge.SeatB:
		return conv.OwnerB
	}
	return ""
}

func expired(conv store.Conversation) error {
	return agentbridge.Refuse(agentbridge.Expired, "token",
		"expired with its conversation at %s; create a new conversation", agentbridge.FormatTime(conv.ExpiresAt))
}

// seat implements agentbridge.SeatSession.
type seat struct {
	relay *Relay
	who   agentbridge.Principal
	conv  store.Conversation
	seat  agentbridge.Seat
}

var _ agentbridge.SeatSession = (*seat)(nil)

// owner is the principal if the seat is its own; to hold the token of a seat
// shows no name. The log has who owns a seat with the conversation's start.
func (s *seat) owner() agentbridge.Principal {
	if ownerOf(s.conv, s.seat) != s.who.Name {
		return agentbridge.Principal{}
	}
	return s.who
}

// channel finds the seat's conversation as it is now: it may have been cleaned
// up since the seat sat down.
func (s *seat) channel(v store.Reader) (store.Channel, error) {
	c, ok, err := v.Channel(s.conv.ID.Channel())
	switch {
	case err != nil:
		return c, err
	case !ok:
		return c, agentbridge.Refuse(agentbridge.Expired, "conversation_id", "was removed by the bridge's operator; create a new conversation")
	case !time.Now().Before(s.conv.ExpiresAt): // since it sat down
		return c, expired(s.conv)
	}
	return c, nil
}

// update runs f in a transaction that is also a heartbeat.
func (s *seat) update(ctx context.Context, status agentbridge.Status, f func(store.Tx, store.Channel) error) error {
	now := time.Now()
	err := s.relay.store.Update(ctx, func(t store.Tx) error {
		c, err := s.channel(t)
		if err != nil {
			return err
		}
		if err := t.PutPresence(c, s.seat.Agent(), store.Presence{Status: status, HeartbeatAt: now}); err != nil {
			return err
		}
		return f(t, c)
	})
	if err == nil {
		s.relay.pulse.felt(s.conv.ID, s.seat, now)
	}
	return err
}

// beat is a heartbeat on its own, for actions that write nothing else. Several
// within a second are one.
func (s *seat) beat(ctx context.Context, act *action) error {
	if s.relay.pulse.recent(s.conv.ID, s.seat, time.Now()) && act.spend() {
		return nil
	}
	return act.run(ctx, func() error {
		return s.update(ctx, "", func(t store.Tx, _ store.Channel) error { return act.admit(t) })
	})
}

// Send implements agentbridge.SeatSession.
func (s *seat) Send(ctx context.Context, d agentbridge.SeatDraft) (sent agentbridge.Sent, err error) {
	if err := s.may(ctx); err != nil {
		return sent, err
	}
	in := s.relay.intake
	if err := in.label("idempotency_key", d.Key); err != nil {
		return sent, err
	}
	p := posting{key: d.Key, verified: s.owner().Verified(), action: s.action(limit.Conversation)}
	p.message = agentbridge.Message{Sender: s.seat.Agent(), Content: in.say(d.Text, &p.changes), Encoding: agentbridge.LegacyText, At: stamp(),
		Metadata: remarks{ActionType: d.ActionType, Files: in.files(d.Files, &p.changes)}.encode()}
	if n := utf8.RuneCountInString(p.message.Content); n > agentbridge.MaxText {
		return sent, agentbridge.Refuse(agentbridge.TooLong, "message", "must be at most %d characters, with placeholders for secrets it has %d; send it in parts", agentbridge.MaxText, n)
	}
	p.action.repeat = p.key != ""
	err = p.action.run(ctx, func() error {
		return s.update(ctx, "", func(t store.Tx, c store.Channel) error {
			if sent, err = p.post(t, c); err != nil || sent.Deduplicated {
				return err
			}
			return t.PutReceipt(c, sent.Seq, s.seat.Partner().Agent())
		})
	})
	switch agentbridge.CodeOf(err) {
	case agentbridge.Conflict, agentbridge.RateLimited: // it undid the heartbeat as well
		if beat := s.beat(ctx, &action{relay: s.relay}); beat != nil {
			return sent, beat
		}
	}
	return sent, err
}

// SetStatus implements agentbridge.SeatSession.
func (s *seat) SetStatus(ctx context.Context, status agentbridge.Status) error {
	if err := s.may(ctx); err != nil {
		return err
	}
	act := s.action(limit.Status)
	return act.run(ctx, func() error {
		return s.update(ctx, status, func(t store.Tx, c store.Channel) error {
			if err := act.admit(t); err != nil {
				return err
			}
			return t.Log(agentbridge.Entry{At: time.Now(), Actor: s.seat.Agent(), Action: agentbridge.ActionStatus, Target: c.Name,
				Detail: deed(s.owner(), map[string]any{"status": status})})
		})
	})
}

// Partner implements agentbridge.SeatSession.
func (s *seat) Partner(ctx context.Context) (agentbridge.Partner, error) {
	p := agentbridge.Partner{Seat: s.seat.Partner(), Role: s.conv.RoleA}
	if p.Seat == agentbridge.SeatB {
		p.Role = s.conv.RoleB
	}
	if err := s.may(ctx); err != nil {
		return p, err
	}
	if err := s.beat(ctx, s.action(limit.Check)); err != nil {
		return p, err
	}
	err := s.relay.store.View(ctx, func(v store.Reader) error {
		c, err := s.channel(v)
		if err != nil {
			return err
		}
		seen, _, err := v.Presence(c, p.Seat.Agent())
		if err != nil {
			return err
		}
		p.Status, p.LastHeartbeat = seen.Status, seen.HeartbeatAt
		p.Unread, err = v.Unread(c, p.Seat.Agent())
		return err
	})
	if err == nil && time.Until(p.LastHeartbeat) > agentbridge.AliveFor {
		p.LastHeartbeat, err = s.bringBack(ctx, p.Seat)
	}
	if !p.LastHeartbeat.IsZero() {
		p.Age = max(0, time.Since(p.LastHeartbeat)) // a clock that was set back makes nobody younger than now
		p.Alive = p.Age < agentbridge.AliveFor
	}
	return p, err
}
