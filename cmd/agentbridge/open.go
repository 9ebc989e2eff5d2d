package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"agentbridge"
	"agentbridge/internal/relay"
	"agentbridge/internal/store/sqlite"

	"github.com/spf13/cobra"
)

// storeFlags say which database to open.
type storeFlags struct {
	db      string        // path of the database
	keyFile string        // path of the master key; "" means beside the database
	ttl     time.Duration // of new conversations
	serves  bool          // there is a flag for ttl
}

func (f *storeFlags) declare(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.db, "db", defaultDB(), "path of the database")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "path of the key that conversation tokens are derived from (default: the database's path with .key)")
}

func (f *storeFlags) declareTTL(cmd *cobra.Command) {
	f.serves = true
	cmd.Flags().DurationVar(&f.ttl, "conversation-ttl", agentbridge.DefaultTTL, "how long the tokens of a new conversation admit")
}

func (f *storeFlags) check() error {
	if f.db == "" {
		return usageError{errors.New("--db is empty; name a database file")}
	}
	if f.serves && f.ttl < time.Second {
		return usageError{errors.New("--conversation-ttl must be at least 1s, for example 3h")}
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
func (f *storeFlags) open(ctx context.Context, log *slog.Logger) (*bridge, error) {
	st, err := f.openStore(log)
	if err != nil {
		return nil, err
	}
	r, err := relay.New(ctx, st, relay.Options{KeyFile: f.key(st), ConversationTTL: f.ttl, Logger: log})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &bridge{r, st}, nil
}

func (f *storeFlags) openStore(log *slog.Logger) (*sqlite.Store, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return sqlite.Open(f.db, sqlite.Options{Logger: log})
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
	st, err := f.openStore(newLogger(cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	return errors.Join(look(cmd.Context(), relay.NewOperator(st, f.key(st))), st.Close())
}

func (b *bridge) close() error {
	b.Relay.Close()
	return b.store.Close()
}
