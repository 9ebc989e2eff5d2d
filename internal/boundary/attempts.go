// This file limits guessing at the token, by address.

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
	good  time.Time // until then the right token admits even if the budget is used up
}

func newAttempts() *attempts { return &attempts{byAddress: map[netip.Addr]record{}} }

type verdict int

const (
	passed verdict = iota
	wrong
	limited
)

// judge decides about an attempt. An address with nothing left is limited whatever the token, so that guessing
// on is worth nothing; unless it succeeded within the last hour: then one agent with an old token would
// lock out all the others on its machine. It tells how long a limited address has to wait.
func (a *attempts) judge(address netip.Addr, right bool) (verdict, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, key := time.Now(), limitKey(address)
	rec := a.byAddress[key]
	if rec.whole.Before(now) {
		rec.whole = now
	}
	wait := rec.whole.Sub(now) - (attemptBurst-1)*attemptTime
	switch {
	case right && (wait <= 0 || now.Before(rec.good)):
		if rec.good.Sub(now) < goodTime-goodStep {
			a.set(key, record{rec.whole, now.Add(goodTime)}, now)
		}
		return passed, 0
	case wait > 0:
		return limited, wait
	}
	a.set(key, record{rec.whole.Add(attemptTime), rec.good}, now)
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
	maps.DeleteFunc(a.byAddress, func(_ netip.Addr, r record) bool { return !now.Before(r.whole) && !now.Before(r.good) })
	if len(a.byAddress) < maxAddresses {
		return
	}
	keys := slices.SortedFunc(maps.Keys(a.byAddress), func(x, y netip.Addr) int {
		rx, ry := a.byAddress[x], a.byAddress[y]
		return cmp.Or(rx.whole.Compare(ry.whole), rx.good.Compare(ry.good))
	})
	for _, key := range keys[:addressesStep] {
		delete(a.byAddress, key)
	}
}
