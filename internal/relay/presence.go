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

// denialWindow is how often the same refusal is written. The first one is what
// an auditor looks for; the thousandth would be a way to fill the disk.
const denialWindow = time.Minute

// denials counts refused credentials.
type denials struct {
	mu   sync.Mutex // guards seen
	seen map[attempt]*denial
}

// attempt is what counts as the same refusal.
type attempt struct {
	place
	reason string
}

type denial struct {
	since time.Time
	more  int64 // refusals in this window that were not written
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
	now := time.Now()
	write, leftOut := r.denials.count(attempt{at, reason + " " + string(p.Name)}, now)
	if !write {
		return
	}
	err := r.store.Update(context.WithoutCancel(ctx), func(t store.Tx) error {
		// The actor is not the seat: whoever it was could not show that.
		return t.Log(agentbridge.Entry{At: now, Actor: actor(p), Action: agentbridge.ActionRefused,
			Target: at.conversation.Channel(), Detail: detail(map[string]any{"seat": at.seat, "reason": reason, "not_written_before": leftOut})})
	})
	if err != nil {
		r.log.Error("a refusal could not be written to the audit log", "conversation", at.conversation, "error", err)
	}
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
