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

	// AuditKeyFile holds the key that checkpoints of the audit log are signed
	// with. It is made for a new database; one that had one is refused without it.
	// "" signs nothing.
	AuditKeyFile string

	// CheckpointFile is where each checkpoint is appended besides, "" for
	// nowhere: outside of the database, which is what finds a rollback of it.
	CheckpointFile string

	// InviteOnly has creators of conversations not see their partner's token: it
	// is given to whoever comes with the invitation.
	InviteOnly bool

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
	store    store.Store
	keyFile  string
	key      token.Key
	ttl      time.Duration
	log      *slog.Logger
	intake   intake
	bell     bell.Bell[agentbridge.ChannelName]
	pulse    pulse
	denials  denials
	roster   roster
	surveyor surveyor
	limits   limit.Table
	leases   leases
	notary   *notary
	signs    bool // there is a key for the notary
	names    names

	maxMessage int           // bytes of content
	eventAge   time.Duration // of a Watch's position
	inviteOnly bool          // creators don't see their partner's token

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
		inviteOnly: opts.InviteOnly,
		done:       make(chan struct{}),
		sweep:      make(chan struct{}, 1),
		refusals:   make(chan noted, maxNoted),
		roster:     newRoster(),
		surveyor:   newSurveyor(),
		notary:     newNotary(opts.CheckpointFile),
		signs:      opts.AuditKeyFile != "",
	}
	if r.intake.redactor == nil {
		r.intake.redactor = redact.New(nil)
	}
	st.OnCommit(func(topics []agentbridge.ChannelName) { // before the first Update, which may be openKey's
		r.roster.heed(topics)
		r.notary.count(len(topics))
		r.bell.Ring(topics)
	})
	var err error
	if r.key, err = openKey(ctx, st, opts.KeyFile); err != nil {
		return nil, err
	}
	if r.signs {
		if r.notary.key, err = openAuditKey(ctx, st, opts.AuditKeyFile); err != nil {
			return nil, err
		}
	}
	if err = r.current(ctx); err != nil { // who is known
		return nil, err
	}
	r.running.Go(r.rosterLoop)
	r.running.Go(r.touchLoop)
	r.running.Go(r.sweepLoop)
	r.running.Go(r.noteLoop)
	if r.signs {
		r.running.Go(r.checkpointLoop)
	}
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
	r.once.Do(func() {
		close(r.done)
		r.running.Wait()
		if r.signs {
			r.checkpoint(1) // after all that writes
		}
	})
}

// Open implements agentbridge.Bridge.
func (r *Relay) Open(_ context.Context, p agentbridge.Principal) (agentbridge.Session, error) {
	return &session{r, p}, ended(p)
}

// detail makes the detail of an audit entry of a JSON object.
func detail(object any) agentbridge.Metadata {
	b, err := json.Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("relay: audit detail %v: %v", object, err)) // only literals of this package come here
	}
	return agentbridge.Metadata(b)
}
