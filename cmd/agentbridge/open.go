package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"agentbridge"
	"agentbridge/internal/redact"
	"agentbridge/internal/relay"
	"agentbridge/internal/store/sqlite"

	"github.com/spf13/cobra"
)

// storeFlags say which database to open, and how.
type storeFlags struct {
	db      string // path of the database
	keyFile string // path of the master key; "" means beside the database
	engineFlags
}

// engineFlags say how the bridge behaves while it runs. Zero is its default,
// for commands that open it only for a moment and have no flags for it.
type engineFlags struct {
	ttl        time.Duration // of new conversations
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
}

func (f *engineFlags) declare(cmd *cobra.Command) {
	f.limitFlags.declare(cmd)
	f.redactFlags.declare(cmd)
	flags := cmd.Flags()
	declareSpan(flags, &f.ttl, "conversation-ttl", agentbridge.DefaultTTL, time.Second, "how long the tokens of a new conversation admit")
	declareNumber(flags, &f.maxMessage, "max-message-bytes", agentbridge.MaxContent, 1, agentbridge.MaxContent, "largest content of a message on a channel, in bytes")
	declareNumber(flags, &f.keepDays, "retention-days", 0, 0, largest, "delete messages on channels after so many days; 0 keeps them")
	declareNumber(flags, &f.sweep, "retention-sweep-seconds", 3600, 10, largest, "how often to look for messages to delete")
	declareNumber(flags, &f.pollMS, "event-poll-ms", 500, 50, 10_000, "how often to look for other processes' messages, should the system not tell us, in milliseconds")
}

// options are the engine's.
func (f *engineFlags) options() relay.Options {
	return relay.Options{
		ConversationTTL: f.ttl,
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
	opts.KeyFile, opts.Logger = f.key(st), log
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
	return sqlite.Open(f.db, sqlite.Options{Logger: log, Poll: time.Duration(f.pollMS) * time.Millisecond})
}

// key is the key file's path, by default beside the file that st has open.
func (f *storeFlags) key(st *sqlite.Store) string {
	if f.keyFile != "" {
		return f.keyFile
	}
	return st.Path() + ".key"
}

// operate looks at a database as its operator. It must exist: to look at one
// must not make one.
func (f *storeFlags) operate(cmd *cobra.Command, look func(context.Context, agentbridge.Operator) error) error {
	if err := f.check(); err != nil {
		return err
	}
	if _, err := os.Stat(f.db); errors.Is(err, os.ErrNotExist) {
		return agentbridge.Refuse(agentbridge.NotFound, "", "there is no database at %s yet; start the bridge first, or name another with --db", f.db)
	}
	redactor, err := f.redactor()
	if err != nil {
		return err
	}
	st, err := f.openStore(newLogger(cmd.ErrOrStderr(), redactor))
	if err != nil {
		return err
	}
	return errors.Join(look(cmd.Context(), relay.NewOperator(st, f.key(st))), st.Close())
}

func (b *bridge) close() error {
	b.Relay.Close()
	return b.store.Close()
}
