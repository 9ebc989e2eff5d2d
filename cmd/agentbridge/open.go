package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"agentbridge"
	"agentbridge/internal/redact"
	"agentbridge/internal/relay"
	"agentbridge/internal/seal"
	"agentbridge/internal/store/sqlite"

	"github.com/spf13/cobra"
)

// storeFlags say which database to open, and how.
type storeFlags struct {
	db           string // path of the database
	keyFile      string // path of the master key; "" means beside the database
	auditKeyFile string // path of the key that signs the audit log; "" means beside the database
	encryptionFlags
	engineFlags
}

// engineFlags say how the bridge behaves while it runs. Zero is its default,
// for commands that open it only for a moment and have no flags for it.
type engineFlags struct {
	ttl        time.Duration // of new conversations
	inviteOnly bool          // their creators don't see the partner's token
	maxMessage int           // bytes of content
	keepDays   int           // of messages on channels; 0 for ever
	sweep      int           // seconds from one look for older ones to the next
	pollMS     int           // milliseconds between looks at other processes' writes
	eventDays  int           // how old a position in the events may be
	limitFlags
	redactFlags
}

func (f *storeFlags) declare(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.db, "db", defaultDB(), "path of the database")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "path of the key that conversation tokens are derived from (default: the database's path with .key)")
	cmd.Flags().StringVar(&f.auditKeyFile, "audit-key", "", "path of the key that signs the audit log (default: the database's path with .audit.key)")
	f.declareKey(cmd)
}

func (f *engineFlags) declare(cmd *cobra.Command) {
	f.limitFlags.declare(cmd)
	f.redactFlags.declare(cmd)
	flags := cmd.Flags()
	declareSpan(flags, &f.ttl, "conversation-ttl", agentbridge.DefaultTTL, time.Second, "how long the tokens of a new conversation admit")
	declarePartnerToken(flags, &f.inviteOnly)
	declareNumber(flags, &f.maxMessage, "max-message-bytes", agentbridge.MaxContent, 1, agentbridge.MaxContent, "largest content of a message on a channel, in bytes")
	declareNumber(flags, &f.keepDays, "retention-days", 0, 0, largest, "delete messages on channels after so many days; 0 keeps them")
	declareNumber(flags, &f.sweep, "retention-sweep-seconds", 3600, 10, largest, "how often to look for messages to delete")
	declareNumber(flags, &f.pollMS, "event-poll-ms", 500, 50, 10_000, "how often to look for other processes' messages, should the system not tell us, in milliseconds")
}

// options are the engine's.
func (f *engineFlags) options() relay.Options {
	return relay.Options{
		ConversationTTL: f.ttl,
		InviteOnly:      f.inviteOnly,
		MaxMessage:      f.maxMessage,
		Retention:       days(f.keepDays),
		RetentionSweep:  time.Duration(f.sweep) * time.Second,
		EventAge:        days(f.eventDays),
		Limits:          f.limits(),
	}
}

func (f *storeFlags) check() error {
	if f.db == "" {
		return usageError{errors.New("--db is empty; name a database file")}
	}
	return nil
}

// defaultDB is where all agents of a user meet without being told.
func defaultDB() string {
	base := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) { // the XDG specification: a relative path is to be ignored
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "agentbridge", "bridge.db")
}

// bridge is an open store with the engine on it.
type bridge struct {
	*relay.Relay
	store *sqlite.Store
}

// open opens the bridge for agents. A database that does not exist is made.
func (f *storeFlags) open(ctx context.Context, log *slog.Logger, redactor *redact.Redactor) (*bridge, error) {
	st, err := f.openStore(log)
	if err != nil {
		return nil, err
	}
	opts := f.options()
	opts.Redactor = redactor
	opts.KeyFile, opts.Logger = f.key(st.Path()), log
	opts.AuditKeyFile, opts.CheckpointFile = f.auditKey(st.Path()), st.Path()+".checkpoints"
	r, err := relay.New(ctx, st, opts)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &bridge{r, st}, nil
}

func (f *storeFlags) openStore(log *slog.Logger) (*sqlite.Store, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	st, _, err := f.openSealed(log)
	return st, err
}

// openSealed opens the store with the keys of its encryption, if it has any.
func (f *storeFlags) openSealed(log *slog.Logger) (*sqlite.Store, *seal.Ring, error) {
	ring := f.ring(f.db)
	if err := keepPrivate(ring.Path(), log); err != nil { // it is read when the store opens
		return nil, nil, err
	}
	opts := sqlite.Options{Logger: log, Poll: time.Duration(f.pollMS) * time.Millisecond, Sealer: ring, Reseal: f.reseal}
	if f.encrypt {
		opts.Encrypt = ring.Create
	}
	st, err := sqlite.Open(f.db, opts)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range []string{f.key(st.Path()), f.auditKey(st.Path())} {
		if err := keepPrivate(path, log); err != nil {
			return nil, nil, errors.Join(err, st.Close())
		}
	}
	return st, ring, nil
}

// key is the key file's path, by default beside the database, whose path is the
// one that the store knows it by.
func (f *storeFlags) key(db string) string { return cmp.Or(f.keyFile, db+".key") }

// auditKey is the same for the key that signs the audit log.
func (f *storeFlags) auditKey(db string) string { return cmp.Or(f.auditKeyFile, db+".audit.key") }

// operate looks at a database as its operator. It must exist: to look at one
// must not make one.
func (f *storeFlags) operate(cmd *cobra.Command, look func(context.Context, agentbridge.Operator) error) error {
	if err := f.check(); err != nil {
		return err
	}
	if _, err := os.Stat(f.db); errors.Is(err, os.ErrNotExist) {
		return agentbridge.Refuse(agentbridge.NotFound, "", "there is no database at %s yet; start the bridge first, or name another with --db", f.db)
	}
	return f.administer(cmd, look)
}

// administer is operate for a database that need not be there: then it is made.
func (f *storeFlags) administer(cmd *cobra.Command, do func(context.Context, agentbridge.Operator) error) error {
	redactor, err := f.redactor()
	if err != nil {
		return err
	}
	st, err := f.openStore(newLogger(cmd.ErrOrStderr(), redactor))
	if err != nil {
		return err
	}
	return errors.Join(do(cmd.Context(), relay.NewOperator(st, f.key(st.Path()))), st.Close())
}

func (b *bridge) close() error {
	b.Relay.Close()
	return b.store.Close()
}
