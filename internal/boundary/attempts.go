// This file limits guessing at credentials, by address.

package boundary

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	attemptBurst  = 10              // failures that an address has at first
	attemptTime   = 6 * time.Second // after which it gets one more
	goodTime      = time.Hour       // for which a success counts
	goodStep      = time.Minute     // by which that is renewed
	maxAddresses  = 10_000          // that are remembered
	addressesStep = maxAddresses / 10
)

// attempts remembers who failed. Its memory is bounded.
type attempts struct {
	mu        sync.Mutex // guards byAddress
	byAddress map[netip.Addr]record
}

// record is an address's budget of failures, as the time at which it is whole again.
type record struct {
	whole time.Time
	good  [2]time.Time // until then credentials are looked at, and the right one of these means admits, even if the budget is used up
}

// means is the kind of a credential.
type means int

const (
	shared   means = iota // the token that all share, which may be short
	personal              // too long to be guessed
)

// latest is until when anything is remembered of the address for its successes.
func (r record) latest() time.Time {
	if r.good[shared].After(r.good[personal]) {
		return r.good[shared]
	}
	return r.good[personal]
}

func newAttempts() *attempts { return &attempts{byAddress: map[netip.Addr]record{}} }

type verdict int

const (
	passed verdict = iota
	wrong
	limited
)

// exhausted tells how long an address has to wait before any attempt of it is looked at, 0 if it need not.
func (a *attempts) exhausted(address netip.Addr) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	rec := a.byAddress[limitKey(address)]
	if now.Before(rec.latest()) {
		return 0
	}
	return max(0, rec.wait(now))
}

// wait is how long an address has to wait for its next failure; not at all if it is not positive.
func (r record) wait(now time.Time) time.Duration {
	return max(0, r.whole.Sub(now)) - (attemptBurst-1)*attemptTime
}

// judge decides about an attempt. What can't be guessed admits always. For the shared token an address with
// nothing left is limited even if it is right, so that guessing on is worth nothing; unless it succeeded by that
// within the last hour: then one agent with an old token would lock out all the others on its machine. An agent's
// own success opens no way to guess at the shared token. It tells how long a limited address has to wait.
func (a *attempts) judge(address netip.Addr, by means, right bool) (verdict, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, key := time.Now(), limitKey(address)
	rec := a.byAddress[key]
	if rec.whole.Before(now) {
		rec.whole = now
	}
	wait := rec.wait(now)
	switch {
	case right && (by == personal || wait <= 0 || now.Before(rec.good[by])):
		if rec.good[by].Sub(now) < goodTime-goodStep {
			rec.good[by] = now.Add(goodTime)
			a.set(key, rec, now)
		}
		return passed, 0
	case wait > 0:
		return limited, wait
	}
	rec.whole = rec.whole.Add(attemptTime)
	a.set(key, rec, now)
	return wrong, 0
}

// limitKey is what counts as one address: of IPv6 a /64, in which a client may choose as it likes.
func limitKey(a netip.Addr) netip.Addr {
	if a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().Addr()
	}
	return a
}

// set remembers. The caller holds mu.
func (a *attempts) set(key netip.Addr, rec record, now time.Time) {
	if _, known := a.byAddress[key]; !known && len(a.byAddress) >= maxAddresses {
		a.forget(now)
	}
	a.byAddress[key] = rec
}

// forget makes room: by those with nothing to remember, or else by a tenth of all, first those whose
// budget is whole again first. The caller holds mu.
func (a *attempts) forget(now time.Time) {
	maps.DeleteFunc(a.byAddress, func(_ netip.Addr, r record) bool { return !now.Before(r.whole) && !now.Before(r.latest()) })
	if len(a.byAddress) < maxAddresses {
		return
	}
	keys := slices.SortedFunc(maps.Keys(a.byAddress), func(x, y netip.Addr) int {
		rx, ry := a.byAddress[x], a.byAddress[y]
		return cmp.Or(rx.whole.Compare(ry.whole), rx.latest().Compare(ry.latest()))
	})
	for _, key := range keys[:addressesStep] {
		delete(a.byAddress, key)
	}
}
