package relay

import (
	"context"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/store"
)

// Heartbeats closer together than this are written once: the table answers in
// seconds, and a poll should not cost a commit.
const pulseEvery = time.Second

// maxRemembered bounds what this process remembers about others. Forgetting
// costs a write, no more.
const maxRemembered = 10_000

type place struct {
	conversation agentbridge.ConversationID
	seat         agentbridge.Seat
}

// pulse remembers which heartbeats this process wrote lately.
type pulse struct {
	mu   sync.Mutex // guards last
	last map[place]time.Time
}

func (p *pulse) felt(c agentbridge.ConversationID, s agentbridge.Seat, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil || len(p.last) >= maxRemembered {
		p.last = map[place]time.Time{}
	}
	p.last[place{c, s}] = at
}

func (p *pulse) recent(c agentbridge.ConversationID, s agentbridge.Seat, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.last[place{c, s}]
	return ok && now.Sub(last) < pulseEvery
}

// bringBack brings a heartbeat from the future to the present. The clock was
// set back, and whoever had it would count as alive until it is that late again.
func (s *seat) bringBack(ctx context.Context, of agentbridge.Seat) (now time.Time, err error) {
	err = s.relay.store.Update(ctx, func(t store.Tx) error {
		c, err := s.channel(t)
		if err != nil {
			return err
		}
		seen, _, err := t.Presence(c, of.Agent())
		now = time.Now()
		if err != nil || !seen.HeartbeatAt.After(now) { // another process was faster, or it was heard of
			now = seen.HeartbeatAt
			return err
		}
		return t.PutPresence(c, of.Agent(), store.Presence{HeartbeatAt: now})
	})
	return now, err
}

// denialWindow is how often the same refusal is written. The first one is what
// an auditor looks for; the thousandth would be a way to fill the disk.
const denialWindow = time.Minute

// denials counts what was refused.
type denials struct {
	mu    sync.Mutex // guards seen
	seen  map[attempt]*denial
	known trespasses // what principals were refused: strangers can't push it out
}

// attempt is what counts as the same refusal.
type attempt struct {
	place
	reason  string
	channel agentbridge.ChannelName
	others  bool // all channels for which there was no room
}

type denial struct {
	since time.Time // zero if the next refusal is to be written
	more  int64     // refusals since then that were not written
}

// count returns whether to write this refusal, and how many were left out
// before it.
func (d *denials) count(a attempt, now time.Time) (write bool, leftOut int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil || len(d.seen) >= maxRemembered {
		d.seen = map[attempt]*denial{}
	}
	seen, ok := d.seen[a]
	if ok && now.Sub(seen.since) < denialWindow {
		seen.more++
		return false, 0
	}
	d.seen[a] = &denial{since: now}
	if ok {
		leftOut = seen.more
	}
	return true, leftOut
}

// giveBack says that a refusal was not written after all, nor what it would have
// told of.
func (d *denials) giveBack(a attempt, leftOut int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if seen, ok := d.seen[a]; ok {
		seen.since, seen.more = time.Time{}, seen.more+leftOut+1
	}
}

// denied writes a refused credential to the audit log. All unknown
// conversations count as one, or inventing ids would fill the log.
func (r *Relay) denied(ctx context.Context, p agentbridge.Principal, cred agentbridge.SeatCredential, known bool, reason string) {
	at := place{cred.Conversation, cred.Seat}
	if !known {
		at, reason = place{}, "unknown conversation"
	}
	r.refused(ctx, p, at, reason)
}

// refused writes to the audit log that somebody was not let in to a place, ""
// for none that exists: the first time in a denialWindow, for each reason and
// each who tries. Whoever it was need not stay for it.
func (r *Relay) refused(ctx context.Context, p agentbridge.Principal, at place, reason string) {
	// The actor is not the seat: whoever it was could not show that.
	r.denyNow(ctx, attempt{place: at, reason: reason + " " + string(p.Name)}, report{who: p, action: agentbridge.ActionRefused,
		target: at.conversation.Channel(), about: map[string]any{"seat": at.seat, "reason": reason}})
}

// wrongToken is the answer to a credential that does not admit.
func (r *Relay) wrongToken(ctx context.Context, p agentbridge.Principal) error {
	return r.wrong(ctx, p, agentbridge.Refuse(agentbridge.Unauthenticated, "token",
		"does not admit to this conversation and session_id; check all three as create_conversation returned them, or create a new conversation"))
}

// wrong takes from the bucket of whoever gave a wrong token or invite, and
// answers with a refusal; from an empty bucket with another one, that there were
// too many. But what is right never comes here, so guessing keeps nobody out.
func (r *Relay) wrong(ctx context.Context, p agentbridge.Principal, refusal error) error {
	act := r.action(limit.AuthFailure, p, "", "")
	err := act.update(ctx, act.admit)
	switch {
	case agentbridge.CodeOf(err) == agentbridge.RateLimited:
		return err
	case err != nil && ctx.Err() == nil: // whatever is wrong with the store, the token is wrong too
		r.log.Error("a refused credential could not be counted", "error", err)
	}
	return refusal
}
