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
	"agentbridge/internal/limit"
	"agentbridge/internal/redact"
	"agentbridge/internal/store"
	"agentbridge/internal/token"
)

// Options configure a Relay.
type Options struct {
	// Redactor finds the secrets that are not stored; nil means the built-in kinds.
	Redactor *redact.Redactor

	// KeyFile holds the master key. It is made for a new database; a database
	// that had one is refused without it.
	KeyFile string

	// ConversationTTL is how long the tokens of a new conversation admit; 0
	// means agentbridge.DefaultTTL.
	ConversationTTL time.Duration

	// MaxMessage is the largest content of a message on a channel, in bytes; 0
	// means agentbridge.MaxContent, which it can't exceed.
	MaxMessage int

	// Retention is how long messages on channels are kept; 0 means for ever. It
	// is looked after at once and then every RetentionSweep (0 means an hour).
	Retention      time.Duration
	RetentionSweep time.Duration

	// EventAge is how old a position of a Watch may be; 0 means a week.
	EventAge time.Duration

	// Limits are how fast things may be done; nil means limit.Default().
	Limits limit.Table

	Logger *slog.Logger // default slog.Default()
}

func (o Options) withDefaults() Options {
	if o.ConversationTTL == 0 {
		o.ConversationTTL = agentbridge.DefaultTTL
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = agentbridge.MaxContent
	}
	if o.RetentionSweep == 0 {
		o.RetentionSweep = time.Hour
	}
	if o.EventAge == 0 {
		o.EventAge = 7 * 24 * time.Hour
	}
	if o.Limits == nil {
		o.Limits = limit.Default()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Relay implements agentbridge.Bridge on a store.
type Relay struct {
	store   store.Store
	keyFile string
	key     token.Key
	ttl     time.Duration
	log     *slog.Logger
	intake  intake
	bell    bell.Bell[agentbridge.ChannelName]
	pulse   pulse
	denials denials
	limits  limit.Table
	leases  leases

	maxMessage int           // bytes of content
	eventAge   time.Duration // of a Watch's position

	done     chan struct{} // closed by Close
	sweep    chan struct{} // asks the sweeper to look
	refusals chan noted    // of the boundary, to be written
	once     sync.Once
	running  sync.WaitGroup // what works in the background
}

var _ agentbridge.Bridge = (*Relay)(nil)

// New returns the engine on an open store, which stays the caller's to close,
// after the relay.
func New(ctx context.Context, st store.Store, opts Options) (*Relay, error) {
	opts = opts.withDefaults()
	r := &Relay{
		store:      st,
		keyFile:    opts.KeyFile,
		ttl:        opts.ConversationTTL,
		log:        opts.Logger,
		intake:     intake{opts.Redactor},
		limits:     opts.Limits,
		maxMessage: opts.MaxMessage,
		eventAge:   opts.EventAge,
		done:       make(chan struct{}),
		sweep:      make(chan struct{}, 1),
		refusals:   make(chan noted, maxNoted),
	}
	if r.intake.redactor == nil {
		r.intake.redactor = redact.New(nil)
	}
	st.OnCommit(r.bell.Ring) // before the first Update, which may be openKey's
	var err error
	if r.key, err = openKey(ctx, st, opts.KeyFile); err != nil {
		return nil, err
	}
	r.running.Go(r.sweepLoop)
	r.running.Go(r.noteLoop)
	if len(r.limits) > 0 {
		r.running.Go(r.dropLoop)
	}
	r.askSweep() // what an earlier process cleared and did not come to
	if opts.Retention > 0 {
		r.running.Go(func() { r.retainLoop(opts.Retention, opts.RetentionSweep) })
	}
	return r, nil
}

// Close ends all waits and the work in the background.
func (r *Relay) Close() {
	r.once.Do(func() { close(r.done) })
	r.running.Wait()
}

// Open implements agentbridge.Bridge.
func (r *Relay) Open(context.Context) (agentbridge.Session, error) { return &session{r}, nil }

// detail makes the detail of an audit entry of a JSON object.
func detail(object any) agentbridge.Metadata {
	b, err := json.Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("relay: audit detail %v: %v", object, err)) // only literals of this package come here
	}
	return agentbridge.Metadata(b)
}
