package relay

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// maxDraws is how often a code is drawn anew because the id of the one before is
// taken. There are a million ids, so this many only fail if most of them are.
const maxDraws = 20

// invite keeps an invitation to a conversation that is being made, and returns
// its code. Of the code only a digest stays.
func (r *Relay) invite(t store.Tx, conv store.Conversation) (code agentbridge.Invite, until time.Time, err error) {
	if err := t.DropInvitations(conv.CreatedAt); err != nil {
		return "", until, err
	}
	until = conv.CreatedAt.Add(agentbridge.InviteLife)
	if conv.ExpiresAt.Before(until) {
		until = conv.ExpiresAt
	}
	for range maxDraws {
		code = drawInvite()
		if _, taken, err := t.Invitation(code.ID()); err != nil {
			return "", until, err
		} else if !taken {
			return code, until, t.PutInvitation(store.Invitation{ID: code.ID(), Conversation: conv.ID, Digest: r.key.Digest(code), ExpiresAt: until})
		}
	}
	return "", until, agentbridge.Refuse(agentbridge.Busy, "", "too many invitations wait for their partners; try again in %d minutes", agentbridge.InviteLife/time.Minute)
}

func drawInvite() agentbridge.Invite {
	var random [12]byte
	rand.Read(random[:])
	return agentbridge.MakeInvite(random)
}

// JoinConversation implements agentbridge.Session.
func (s *session) JoinConversation(ctx context.Context, code agentbridge.Invite) (agentbridge.Joined, error) {
	if err := s.may(ctx, opConverse, ""); err != nil {
		return agentbridge.Joined{}, err
	}
	e := entrance{relay: s.relay, who: s.who, code: code}
	known, err := e.look(ctx)
	if err == nil && known {
		err = s.relay.store.Update(ctx, e.enter)
	}
	if err != nil {
		return agentbridge.Joined{}, err
	}
	if e.refused == "" {
		s.relay.pulse.felt(e.joined.ID, e.joined.Seat, e.now)
		return e.joined, nil
	}
	s.relay.refused(ctx, s.who, e.at, e.refused)
	if e.refused == byCreator {
		return agentbridge.Joined{}, ownInvite
	}
	return agentbridge.Joined{}, s.relay.wrong(ctx, s.who, wrongInvite)
}

// byCreator is why a right code does not admit whoever was given it to pass it
// on. Two seats of one agent would be no conversation, and the code would be
// used up. A creator without a name can't be told from his partner.
const byCreator = "invite of its own conversation"

// wrongInvite is the one answer to whatever does not admit: nobody learns which
// invitations there are, or were.
var wrongInvite = agentbridge.Refuse(agentbridge.Unauthenticated, "invite",
	"does not admit: it is wrong, was used, or is older than %d minutes; check it, or ask your partner to create a new conversation and to give you that invite", agentbridge.InviteLife/time.Minute)

var ownInvite = agentbridge.Refuse(agentbridge.Forbidden, "invite",
	"is for your partner: you created this conversation and are its session a; give the code to the other agent, it still works")

// entrance is somebody at the door with a code.
type entrance struct {
	relay *Relay
	who   agentbridge.Principal
	code  agentbridge.Invite

	now     time.Time // when he came in
	joined  agentbridge.Joined
	refused string // why he was turned away, "" if he was let in
	at      place  // from where
}

// look tells whether there is an invitation with the code's id. Most wrong codes
// have none, and cost others no transaction.
func (e *entrance) look(ctx context.Context) (known bool, err error) {
	err = e.relay.store.View(ctx, func(v store.Reader) error {
		_, known, err = v.Invitation(e.code.ID())
		return err
	})
	if !known {
		e.refused = "unknown invite"
	}
	return known, err
}

// enter takes the seat, or counts a wrong code. It returns an error only if
// neither was done, for what a refused one has used up of the tries must stay.
// Transactions run one after another: of several with the same code the first
// one takes the invitation away.
func (e *entrance) enter(t store.Tx) error {
	i, ok, err := t.Invitation(e.code.ID())
	digest := e.relay.key.Digest(e.code)
	e.now = time.Now()
	e.at = place{i.Conversation, agentbridge.SeatB}
	switch {
	case err != nil:
		return err
	case !ok:
		e.at, e.refused = place{}, "unknown invite"
		return nil
	case !e.now.Before(i.ExpiresAt):
		e.refused = "expired invite"
		return nil
	case !hmac.Equal(digest[:], i.Digest[:]):
		e.refused = "wrong invite"
		return e.miss(t, i)
	}
	conv, _, err := t.Conversation(i.Conversation) // it is there: its invitations go with it
	if err != nil {
		return err
	}
	if e.who.Verified() && e.who.Name == conv.OwnerA {
		e.refused = byCreator
		return nil
	}
	return e.take(t, i, conv)
}

// miss counts a wrong code. Too many end the invitation.
func (e *entrance) miss(t store.Tx, i store.Invitation) error {
	i.Tries++
	if i.Tries < agentbridge.InviteTries {
		return t.PutInvitation(i)
	}
	if err := t.DropInvitation(i.ID); err != nil {
		return err
	}
	return t.Log(agentbridge.Entry{At: e.now, Actor: actor(e.who), Action: agentbridge.ActionRefused, Target: i.Conversation.Channel(),
		Detail: deed(e.who, map[string]any{"seat": agentbridge.SeatB, "reason": "too many wrong codes: the invitation has ended", "tries": i.Tries})})
}

// take uses the invitation up and gives seat b to whoever came with it, to nobody
// else if he has a name. Its token stays what it was: where creators see it, it
// still admits them, as long as the seat has no owner.
func (e *entrance) take(t store.Tx, i store.Invitation, conv store.Conversation) error {
	const b = agentbridge.SeatB
	if err := t.DropInvitation(i.ID); err != nil {
		return err
	}
	if e.who.Verified() {
		if err := t.SetOwner(conv.ID, b, e.who.Name); err != nil {
			return err
		}
	}
	c, err := t.OpenChannel(conv.ID.Channel(), true)
	if err != nil {
		return err
	}
	if err := t.PutPresence(c, b.Agent(), store.Presence{HeartbeatAt: e.now}); err != nil {
		return err
	}
	e.joined = agentbridge.Joined{ID: conv.ID, Seat: b, Token: e.relay.key.Derive(conv.ID, b, conv.Generation),
		Role: conv.RoleB, Partner: conv.RoleA, ExpiresAt: conv.ExpiresAt}
	return t.Log(agentbridge.Entry{At: e.now, Actor: sitter(e.who.Name, b), Action: agentbridge.ActionJoin, Target: c.Name,
		Detail: deed(e.who, map[string]any{"seat": b})})
}
