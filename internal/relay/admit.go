package relay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/store"
)

// Limits are kept in buckets in the store, and taken from in the transaction
// that does what they admit: so all processes and restarts share them exactly,
// what fails costs nothing, and what is refused has changed nothing.

// action is something that somebody is about to do, on its way past the limit
// of its class.
type action struct {
	relay  *Relay
	class  limit.Class
	actor  agentbridge.AgentName   // who does it, for the audit log
	target agentbridge.ChannelName // and where
	key    string                  // of the bucket
	rule   limit.Rule              // none: there is no limit
	repeat bool                    // it may have been done already, which is never refused

	lease   *lease             // what paid for it,
	opened  bool               // which it took from the bucket
	refused *agentbridge.Error // nil if it was admitted,
	ahead   bool               // else whether by a bucket from the future
}

// action begins something that a principal does. Who has no name is whoever he
// calls himself, "" for those who don't.
func (r *Relay) action(class limit.Class, p agentbridge.Principal, label agentbridge.AgentName, target agentbridge.ChannelName) *action {
	if p.Verified() {
		return r.newAction(class, p.Name, target, bucketKey(class, verifiedKey, string(p.Name)))
	}
	if label == "" {
		label = unverified
	}
	return r.newAction(class, label, target, bucketKey(class, labelKey, string(label)))
}

// action begins something that this seat does: its principal is the seat of this
// conversation, not of any other.
func (s *seat) action(class limit.Class) *action {
	target := s.conv.ID.Channel()
	return s.relay.newAction(class, s.seat.Agent(), target, bucketKey(class, labelKey, string(target)+"/"+string(s.seat)))
}

func (r *Relay) newAction(class limit.Class, actor agentbridge.AgentName, target agentbridge.ChannelName, key string) *action {
	rule := r.limits[class]
	if len(rule) == 0 {
		return &action{relay: r, actor: actor}
	}
	return &action{relay: r, class: class, actor: actor, target: target, key: key, rule: rule}
}

// maxPrincipal is how many bytes of a principal stand in a bucket's key as they
// are. Labels may be much longer, and are for others to choose.
const maxPrincipal = 64

// What stands between class and principal in a bucket's key tells those who are
// known by name from those who call themselves so.
const (
	labelKey    = "="
	verifiedKey = "@"
	digestKey   = "#" // behind these, for principals that are longer
)

// bucketKey names a bucket. No two principals share one.
func bucketKey(class limit.Class, kind, principal string) string {
	if len(principal) <= maxPrincipal {
		return string(class) + kind + principal
	}
	sum := sha256.Sum256([]byte(principal))
	return string(class) + kind + digestKey + hex.EncodeToString(sum[:])
}

// early refuses what can't be admitted now, without a transaction: who goes on
// and on is to cost others nothing.
func (a *action) early() error {
	if len(a.rule) == 0 || a.repeat {
		return nil
	}
	if wait := a.relay.leases.blocked(a.key, time.Now()); wait > 0 {
		return a.refuse(wait)
	}
	return nil
}

// spend pays with what this process has at hand, if it has.
func (a *action) spend() bool {
	if len(a.rule) == 0 {
		return true
	}
	a.lease = a.relay.leases.spend(a.key, time.Now())
	return a.lease != nil
}

// admit pays for the action, or refuses it. Call it in the action's transaction,
// when nothing else can refuse it any more.
func (a *action) admit(t store.Tx) error {
	if a.spend() {
		return nil
	}
	now := time.Now()
	state, err := t.Bucket(a.key)
	if err != nil {
		return err
	}
	bucket, most := limit.Decode(state), maxLease(a.rule)
	after, got, wait := a.rule.Take(bucket, now, a.relay.leases.next(a.key, now, most))
	if got == 0 {
		a.ahead = bucket.Ahead(now)
		a.relay.leases.block(a.key, now.Add(wait))
		return a.refuse(wait)
	}
	if most > 1 {
		a.lease, a.opened = a.relay.leases.open(a.key, now, got), true
	}
	return t.PutBucket(a.key, after.Encode(), a.rule.FullAt(after))
}

// refuse says when to come back: in whole seconds, and not too early.
func (a *action) refuse(wait time.Duration) error {
	wait = max(time.Second, (wait + time.Second - 1).Truncate(time.Second))
	a.refused = agentbridge.Refuse(agentbridge.RateLimited, "", "%s: the limit is %s; come back in %v", tooMany[a.class], a.rule.Words(), wait)
	a.refused.RetryAfter = wait
	return a.refused
}

// tooMany is what was too much, for each class.
var tooMany = map[limit.Class]string{
	limit.Conversation:       "too many messages from this session",
	limit.Channel:            "too many messages from this sender",
	limit.CreateConversation: "too many new conversations",
	limit.AuthFailure:        "too many wrong tokens and invites; check what you were given",
	limit.Ack:                "too many acknowledgements from this consumer",
	limit.Check:              "too many looks for messages and at the partner from this session",
	limit.Status:             "too many status updates from this session",
	limit.Clear:              "too many cleared channels",
}

// update runs f in a transaction. f calls admit.
func (a *action) update(ctx context.Context, f func(store.Tx) error) error {
	return a.run(ctx, func() error { return a.relay.store.Update(ctx, f) })
}

// run does what runs a transaction, and then settles what was paid by how that
// ended. A refusal is written down.
func (a *action) run(ctx context.Context, do func() error) error {
	err := a.early()
	if err == nil {
		err = do()
	}
	if err != nil && a.lease != nil {
		a.relay.leases.undo(a.lease, a.opened)
	}
	if a.refused != nil {
		a.relay.limited(ctx, a)
	}
	return err
}

// limited writes a refusal to the audit log, the first of its kind in a
// denialWindow. Whoever was refused need not stay for it.
func (r *Relay) limited(ctx context.Context, a *action) {
	now := time.Now()
	write, leftOut := r.denials.count(attempt{reason: string(agentbridge.ActionRateLimited) + " " + a.key}, now)
	if !write && !a.ahead {
		return
	}
	err := r.store.Update(context.WithoutCancel(ctx), func(t store.Tx) error {
		if a.ahead {
			if err := a.bringBack(t, now); err != nil {
				return err
			}
		}
		if !write {
			return nil
		}
		return t.Log(agentbridge.Entry{At: now, Actor: a.actor, Action: agentbridge.ActionRateLimited, Target: r.loggable(a.target),
			Detail: detail(map[string]any{"class": a.class, "retry_after": int64(a.refused.RetryAfter / time.Second), "not_written_before": leftOut})})
	})
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		r.log.Error("a refusal could not be written to the audit log", "class", a.class, "error", err)
	}
}

// bringBack brings a bucket from the future to the present. The clock was set
// back, and the bucket would not refill until it is that late again.
func (a *action) bringBack(t store.Tx, now time.Time) error {
	state, err := t.Bucket(a.key)
	bucket := limit.Decode(state)
	if err != nil || !bucket.Ahead(now) { // another process was faster
		return err
	}
	bucket = a.rule.Refill(bucket, now)
	return t.PutBucket(a.key, bucket.Encode(), a.rule.FullAt(bucket))
}

const (
	dropEvery = 10 * time.Minute
	// dropBatch is how many full buckets gather before they are dropped, and how
	// many go at a time: a few are not worth a commit.
	dropBatch = 200
)

// dropLoop removes buckets that are full again, so that inventing names does
// not make the table grow without end.
func (r *Relay) dropLoop() {
	tick := time.NewTicker(dropEvery)
	defer tick.Stop()
	for {
		if err := r.dropBuckets(); err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
			r.log.Warn("remove buckets that are full; will try again", "error", err)
		}
		select {
		case <-r.done:
			return
		case <-tick.C:
		}
	}
}

func (r *Relay) dropBuckets() error {
	var full int64
	err := r.store.View(context.Background(), func(v store.Reader) (err error) {
		full, err = v.FullBuckets(time.Now(), dropBatch)
		return err
	})
	for err == nil && full >= dropBatch && !r.closing() {
		err = r.store.Update(context.Background(), func(t store.Tx) (err error) {
			full, err = t.DropBuckets(time.Now(), dropBatch)
			return err
		})
	}
	return err
}
