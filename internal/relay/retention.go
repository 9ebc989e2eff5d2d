package relay

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// This file removes messages. Clearing and expiring only move a channel's
// floor, which takes no time however many messages lie below it; their rows go
// in small batches afterwards.

// sweepBatch bounds how long removing cleared messages keeps others from
// writing.
const sweepBatch = 500

// askSweep wakes the sweeper.
func (r *Relay) askSweep() {
	select {
	case r.sweep <- struct{}{}:
	default: // it will look anyway
	}
}

// sweepLoop removes the rows of cleared messages, a few at a time.
func (r *Relay) sweepLoop() {
	for {
		select {
		case <-r.done:
			return
		case <-r.sweep:
		}
		if err := r.sweepAll(); err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
			r.log.Warn("remove cleared messages; will go on at the next start", "error", err)
		}
	}
}

func (r *Relay) sweepAll() error {
	var cleared bool
	err := r.store.View(context.Background(), func(v store.Reader) (err error) {
		cleared, err = v.Cleared()
		return err
	})
	if err != nil || !cleared { // a start with nothing to do writes nothing
		return err
	}
	for left := true; left && err == nil; {
		left, err = r.sweepSome()
	}
	if err != nil {
		return err
	}
	return r.store.Scrub(context.Background())
}

func (r *Relay) sweepSome() (left bool, err error) {
	select {
	case <-r.done:
		return false, nil
	default:
	}
	err = r.store.Update(context.Background(), func(t store.Tx) error {
		n, err := t.Sweep(sweepBatch)
		left = n >= sweepBatch
		return err
	})
	return left, err
}

// retainLoop lets messages expire that are older than the retention.
func (r *Relay) retainLoop(retention, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := r.expireAll(time.Now().Add(-retention)); err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
			r.log.Warn("remove messages older than the retention; will try again", "error", err)
		}
		select {
		case <-r.done:
			return
		case <-tick.C:
		}
	}
}

// expireAll goes through the channels, each in a transaction of its own.
func (r *Relay) expireAll(than time.Time) error {
	var names []agentbridge.ChannelName
	err := r.store.View(context.Background(), func(v store.Reader) error {
		return v.Channels("", func(c store.Channel, _ store.Tally) (bool, error) {
			names = append(names, c.Name)
			return true, nil
		})
	})
	for _, name := range names {
		if err != nil || r.closing() {
			return err
		}
		err = r.expire(name, than)
	}
	return err
}

// agedBatch bounds how long a look for old messages keeps a reader busy.
const agedBatch = 2000

// expire moves one channel's floor up to the last of its oldest messages that
// are older than a time.
func (r *Relay) expire(name agentbridge.ChannelName, than time.Time) error {
	var upTo agentbridge.Seq
	for more := true; more && !r.closing(); {
		err := r.store.View(context.Background(), func(v store.Reader) error {
			more = false
			c, ok, err := channel(v, name)
			if err != nil || !ok {
				return err
			}
			last, again, err := v.Aged(c, upTo, than, agedBatch)
			upTo, more = max(upTo, last), again
			return err
		})
		if err != nil {
			return err
		}
	}
	if upTo == 0 {
		return nil
	}
	err := r.store.Update(context.Background(), func(t store.Tx) error {
		c, ok, err := channel(t, name)
		if err != nil || !ok {
			return err
		}
		n, err := t.Expire(c, upTo)
		if err != nil || n == 0 { // somebody was faster
			return err
		}
		return t.Log(agentbridge.Entry{At: time.Now(), Actor: unverified, Action: agentbridge.ActionExpire, Target: c.Name,
			Detail: detail(removal{Expired: n, UpTo: upTo})})
	})
	if err == nil {
		r.askSweep()
	}
	return err
}

// removal is the detail of a clear and of an expiry.
type removal struct {
	Cleared int64           `json:"cleared"`
	Expired int64           `json:"expired,omitempty"`
	UpTo    agentbridge.Seq `json:"up_to,omitempty"` // those that expired end here; 0 for a clear, which takes all, and in entries of earlier versions

	Verified bool `json:"verified,omitempty"` // whoever cleared is the principal of that name
}

// closing tells whether Close was called.
func (r *Relay) closing() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
