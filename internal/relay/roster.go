package relay

import (
	"context"
	"crypto/subtle"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

const (
	// rosterEvery is how old what a relay knows of credentials may be, and with
	// it how late a revocation is felt that no bell announced.
	rosterEvery = time.Second
	// maxAdmitted bounds the credentials that a relay has at hand. One more makes
	// it forget another, whose holder has to show it again.
	maxAdmitted = 10_000
	// usedEvery is how often the use of a credential is written down.
	usedEvery = time.Hour
)

// admission is a credential that admits, and the principal who acts by it.
type admission struct {
	key       string   // the credential's id, or what stands for it
	digest    [32]byte // of the token; zero for an identity provider's
	subject   string   // for an identity provider, "" for a token of ours
	principal agentbridge.Principal
	end       context.CancelCauseFunc // of the principal's life
	until     time.Time
	version   string    // of the agents in the store, when it was found good
	used      time.Time // when that was last written down
}

// newAdmission begins the life of a principal.
func newAdmission(a admission) *admission {
	a.principal.Life, a.end = context.WithCancelCause(context.Background())
	return &a
}

// roster is what a relay has at hand of agents. What it says was true in the
// store no longer than rosterEvery ago, and no ring has come since.
type roster struct {
	rings   atomic.Int64  // how often the store may have come to hold something else
	poke    chan struct{} // asks the loop to look
	touched chan string   // ids of credentials that were used
	looking sync.Mutex    // held while the store is read; taken before mu

	mu       sync.Mutex // guards all below
	known    bool       // whether there is any agent, which stays so
	looked   time.Time  // when the store was read last,
	heard    int64      // and after how many rings
	admitted map[string]*admission
}

func newRoster() roster {
	return roster{poke: make(chan struct{}, 1), touched: make(chan string, 64), admitted: map[string]*admission{}}
}

// heed is told what the store committed. Changes of agents belong to no channel.
func (ro *roster) heed(topics []agentbridge.ChannelName) {
	if topics == nil || slices.Contains(topics, "") {
		ro.rings.Add(1)
		ro.wake()
	}
}

func (ro *roster) wake() {
	select {
	case ro.poke <- struct{}{}:
	default: // the loop will look anyway
	}
}

// due tells whether the store has to be read before anybody is admitted.
func (ro *roster) due(now time.Time) bool {
	ro.mu.Lock()
	defer ro.mu.Unlock()
	age := now.Sub(ro.looked)
	return ro.rings.Load() != ro.heard || age >= rosterEvery || age < 0
}

// find returns the admission that a credential got earlier, nil if there is
// none. The digest is compared in a time that tells nothing.
func (ro *roster) find(key string, digest [32]byte, now time.Time) *admission {
	ro.mu.Lock()
	defer ro.mu.Unlock()
	a := ro.admitted[key]
	if a == nil || !now.Before(a.until) || subtle.ConstantTimeCompare(a.digest[:], digest[:]) == 0 {
		return nil
	}
	if a.subject == "" && now.Sub(a.used) >= usedEvery {
		a.used = now
		select {
		case ro.touched <- a.key:
		default: // so many at once that an hour more does not matter
		}
	}
	return a
}

// keep puts an admission at hand and returns it, or the one that another caller
// has put there meanwhile.
func (ro *roster) keep(a *admission) *admission {
	ro.mu.Lock()
	defer ro.mu.Unlock()
	if other := ro.admitted[a.key]; other != nil {
		if time.Now().Before(other.until) { // every look goes over it
			a.end(errForgotten)
			return other
		}
		other.end(errNotAdmitted)
	} else if len(ro.admitted) >= maxAdmitted {
		for key, other := range ro.admitted { // any
			other.end(errForgotten)
			delete(ro.admitted, key)
			break
		}
	}
	ro.admitted[a.key] = a
	if len(ro.admitted) == 1 {
		ro.wake() // the loop has something to look after
	}
	return a
}

// drop ends admissions.
func (ro *roster) drop(why error, which func(*admission) bool) {
	ro.mu.Lock()
	defer ro.mu.Unlock()
	for key, a := range ro.admitted {
		if which(a) {
			a.end(why)
			delete(ro.admitted, key)
		}
	}
}

// next is how long until the roster has to be looked after, 0 if nobody is on it.
func (ro *roster) next(now time.Time) (wait time.Duration) {
	ro.mu.Lock()
	defer ro.mu.Unlock()
	if len(ro.admitted) == 0 {
		return 0
	}
	wait = rosterEvery
	for _, a := range ro.admitted {
		wait = min(wait, a.until.Sub(now))
	}
	return max(wait, time.Millisecond)
}

// suspects are the admissions that were found good when the store's agents were
// not what they are now.
func (ro *roster) suspects(version string) (list []*admission) {
	ro.mu.Lock()
	defer ro.mu.Unlock()
	for _, a := range ro.admitted {
		if a.version != version {
			list = append(list, a)
		}
	}
	return list
}

// current reads the store if what is at hand may be outdated. While the store
// can't be read nobody is admitted.
func (r *Relay) current(ctx context.Context) error {
	if !r.roster.due(time.Now()) {
		return nil
	}
	return r.look(ctx)
}

// look finds out which admissions the store no longer grants, and ends them.
func (r *Relay) look(ctx context.Context) error {
	ro := &r.roster
	ro.looking.Lock()
	defer ro.looking.Unlock()
	at := time.Now()
	if !ro.due(at) { // somebody else has looked meanwhile
		return nil
	}
	heard := ro.rings.Load() // first: what rings from here on may not be in what is read
	var version string
	var known bool
	verdicts := map[*admission]verdict{}
	err := r.store.Glance(ctx, func(v store.Reader) (err error) {
		if version, known, err = agentsVersion(v); err != nil {
			return err
		}
		for _, a := range ro.suspects(version) {
			if verdicts[a], err = judge(v, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	ro.mu.Lock()
	defer ro.mu.Unlock()
	ro.looked, ro.heard, ro.known = at, heard, ro.known || known
	ro.settle(version, verdicts)
	return nil
}

// settle applies what a look found. mu is held.
func (ro *roster) settle(version string, verdicts map[*admission]verdict) {
	for a, found := range verdicts {
		if found.end != nil {
			a.end(found.end)
			if ro.admitted[a.key] == a {
				delete(ro.admitted, a.key)
			}
			continue
		}
		a.until, a.version = found.until, version
	}
}

// rosterLoop ends what has expired and what was revoked, while anybody is on
// the roster, until Close.
func (r *Relay) rosterLoop() {
	ro := &r.roster
	timer := time.NewTimer(rosterEvery)
	defer timer.Stop()
	for {
		select {
		case <-r.done:
			ro.drop(errClosing, func(*admission) bool { return true })
			return
		case <-ro.poke:
		case <-timer.C:
		}
		now := time.Now()
		ro.drop(errNotAdmitted, func(a *admission) bool { return !now.Before(a.until) })
		if err := r.current(context.Background()); err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
			if write, _ := r.denials.count(attempt{reason: "look at agents"}, now); write {
				r.log.Error("the agents can't be read; nobody is admitted until they can", "error", err)
			}
		}
		if wait := ro.next(now); wait > 0 {
			timer.Reset(wait)
		}
	}
}

// touchLoop writes down when credentials were used, until Close.
func (r *Relay) touchLoop() {
	for {
		select {
		case id := <-r.roster.touched:
			r.touch(id)
			continue
		default:
		}
		select {
		case id := <-r.roster.touched:
			r.touch(id)
		case <-r.done:
			select {
			case id := <-r.roster.touched: // of a process that was asked one thing only
				r.touch(id)
			default:
				return
			}
		}
	}
}

func (r *Relay) touch(id string) {
	err := r.store.Update(context.Background(), func(t store.Tx) error {
		c, ok, err := t.Credential(id)
		if err != nil || !ok {
			return err
		}
		c.UsedAt = time.Now()
		return t.PutCredential(c)
	})
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		r.log.Warn("the use of a token could not be written down", "id", id, "error", err)
	}
}
