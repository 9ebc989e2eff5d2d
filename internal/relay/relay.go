// Package relay is the engine: every rule of the bridge that is not about
// storing or showing is here. It is reached through sessions only, and each of
// their methods is one walk downwards: admit, store, return. Waking readers is
// the store's last step after a commit, so that a message which another
// process stored wakes them too.
package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/bell"
	"agentbridge/internal/store"
	"agentbridge/internal/token"
)

// Options configure a Relay.
type Options struct {
	// KeyFile holds the master key. It is made for a new database; a database
	// that had one is refused without it.
	KeyFile string

	// ConversationTTL is how long the tokens of a new conversation admit; 0
	// means agentbridge.DefaultTTL.
	ConversationTTL time.Duration

	Logger *slog.Logger // default slog.Default()
}

// Relay implements agentbridge.Bridge on a store.
type Relay struct {
	store   store.Store
	keyFile string
	key     token.Key
	ttl     time.Duration
	log     *slog.Logger
	bell    bell.Bell[agentbridge.ChannelName]
	pulse   pulse
	denials denials

	done   chan struct{} // closed by Close
	sweep  chan struct{} // asks the sweeper to look
	once   sync.Once
	sweeps sync.WaitGroup
}

var _ agentbridge.Bridge = (*Relay)(nil)

// New returns the engine on an open store, which stays the caller's to close,
// after the relay.
func New(ctx context.Context, st store.Store, opts Options) (*Relay, error) {
	r := &Relay{
		store:   st,
		keyFile: opts.KeyFile,
		ttl:     opts.ConversationTTL,
		log:     opts.Logger,
		done:    make(chan struct{}),
		sweep:   make(chan struct{}, 1),
	}
	if r.ttl == 0 {
		r.ttl = agentbridge.DefaultTTL
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	st.OnCommit(r.bell.Ring) // before the first Update, which may be openKey's
	var err error
	if r.key, err = openKey(ctx, st, opts.KeyFile); err != nil {
		return nil, err
	}
	r.sweeps.Go(r.sweepLoop)
	r.askSweep() // what an earlier process cleared and did not come to
	return r, nil
}

// Close ends all waits and the work in the background.
func (r *Relay) Close() {
	r.once.Do(func() { close(r.done) })
	r.sweeps.Wait()
}

// Open implements agentbridge.Bridge.
func (r *Relay) Open(context.Context) (agentbridge.Session, error) { return &session{r}, nil }

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

// detail makes the detail of an audit entry of a JSON object.
func detail(object any) agentbridge.Metadata {
	b, err := json.Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("relay: audit detail %v: %v", object, err)) // only literals of this package come here
	}
	return agentbridge.Metadata(b)
}
