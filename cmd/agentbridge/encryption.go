package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"agentbridge"
	"agentbridge/internal/seal"
	"agentbridge/internal/store/sqlite"

	"github.com/spf13/cobra"
)

// encryptionFlags say whether messages are encrypted in the database, and where
// the keys are.
type encryptionFlags struct {
	encrypt       bool   // one that is not yet; one that is needs no flag
	reseal        bool   // encrypt in the background what is left to do; for serve and stdio, which stay
	encryptionKey string // path of the key file; "" means beside the database
}

// declareKey is for all that open a database.
func (f *encryptionFlags) declareKey(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.encryptionKey, "encryption-key", "", "`file` with the keys of an encrypted database (default: the database's path with .encryption.key)")
}

// declareEncrypt is for those that agents use it by.
func (f *encryptionFlags) declareEncrypt(cmd *cobra.Command) {
	declareBool(cmd.Flags(), &f.encrypt, "encrypt", "encrypt the messages in the database, those that it holds already too; from then on every process needs the key file")
}

// ring is the keys of the database at a path. Their file is read when it is
// needed, which for a database in clear is never.
func (f *encryptionFlags) ring(db string) *seal.Ring {
	if f.encryptionKey != "" {
		return seal.New(f.encryptionKey)
	}
	return seal.New(realPath(db) + ".encryption.key")
}

// realPath is a database's path as the store knows it: two names of one file
// must lead to one key.
func realPath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func newEncryption() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "encryption",
		Short: "See whether messages are encrypted in the database, and change their key",
		Long: `With --encrypt, 'agentbridge serve' and 'agentbridge stdio' encrypt what messages
say (AES-256-GCM) with a key from a file beside the database. Names, times and
sizes stay in clear. A copy of the database alone then tells nothing that agents
wrote; without the key file nobody can read it, you included.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEncryptionStatus(), newEncryptionRotate())
	return cmd
}

// encryptionJSON is what the database says of its encryption in --json output.
type encryptionJSON struct {
	Encrypted  bool             `json:"encrypted"`
	Key        string           `json:"key,omitempty"`
	KeyFile    string           `json:"key_file,omitempty"`
	InClear    int64            `json:"messages_in_clear"`
	Messages   map[string]int64 `json:"messages_by_key,omitempty"`
	Unfinished bool             `json:"unfinished"`
	Unused     []string         `json:"unused_keys,omitempty"`
}

func newEncryptionStatus() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "status",
		Short: "Tell how many messages are in clear, and how many are encrypted with which key",
		Args:  usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.withEncryption(cmd, func(ctx context.Context, st *sqlite.Store, ring *seal.Ring) error {
				e, err := st.Encryption(ctx)
				if err != nil {
					return err
				}
				return r.printEncryption(cmd, describeEncryption(e, ring))
			})
		},
	})
}

// withEncryption opens a database that exists for commands that are about its
// encryption.
func (r *reading) withEncryption(cmd *cobra.Command, do func(context.Context, *sqlite.Store, *seal.Ring) error) error {
	if err := r.check(); err != nil {
		return err
	}
	if _, err := os.Stat(r.db); errors.Is(err, os.ErrNotExist) {
		return noDatabase(r.db)
	}
	redactor, err := r.redactor()
	if err != nil {
		return err
	}
	st, ring, err := r.openSealed(newLogger(cmd.ErrOrStderr(), redactor))
	if err != nil {
		return err
	}
	return errors.Join(do(cmd.Context(), st, ring), st.Close())
}

func noDatabase(path string) error {
	return agentbridge.Refuse(agentbridge.NotFound, "", "there is no database at %s yet; start the bridge first, or name another with --db", path)
}

func describeEncryption(e sqlite.Encryption, ring *seal.Ring) encryptionJSON {
	out := encryptionJSON{Encrypted: e.Key != "", Key: e.Key, InClear: e.Messages[""], Unfinished: e.Unfinished, Messages: map[string]int64{}}
	if !out.Encrypted {
		return out
	}
	out.KeyFile = ring.Path()
	needed := e.Keys()
	for _, key := range needed {
		out.Messages[key] = e.Messages[key]
	}
	for _, key := range ring.Keys() {
		if !slices.Contains(needed, key) {
			out.Unused = append(out.Unused, key)
		}
	}
	return out
}

func (r *reading) printEncryption(cmd *cobra.Command, e encryptionJSON) error {
	if r.json {
		return printJSONInert(cmd.OutOrStdout(), e)
	}
	w := cmd.OutOrStdout()
	if !e.Encrypted {
		_, err := fmt.Fprintf(w, "messages are not encrypted (%s)\nhint: start the bridge with --encrypt\n", counted(e.InClear, "message"))
		return err
	}
	fmt.Fprintf(w, "messages are encrypted with key %s of %s\n", inert(e.Key), inert(e.KeyFile))
	for _, key := range slices.Sorted(maps.Keys(e.Messages)) {
		fmt.Fprintf(w, "  %s with key %s\n", counted(e.Messages[key], "message"), inert(key))
	}
	fmt.Fprintf(w, "  %s in clear\n", counted(e.InClear, "message"))
	if e.Unfinished {
		fmt.Fprintln(w, "not all messages have the key yet; a bridge that runs is at it\nhint: agentbridge encryption rotate finishes it")
	}
	if len(e.Unused) > 0 {
		fmt.Fprintf(w, "the file also holds %s, which nothing here uses\n", inert(strings.Join(e.Unused, ", ")))
	}
	return nil
}

func newEncryptionRotate() *cobra.Command {
	r := &reading{}
	var keepOld bool
	cmd := r.declare(&cobra.Command{
		Use:   "rotate",
		Short: "Encrypt all messages with a new key, and forget the old one",
		Long: `Add a new key to the key file, encrypt all messages anew with it while the bridge
goes on working, and remove the old key from the file. If it was interrupted, or a
bridge was while it encrypted a database for the first time, this finishes that
and makes no further key.

Copies of the database from before need the old key: keep a copy of the key file
with them, or use --keep-old-key.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.withEncryption(cmd, func(ctx context.Context, st *sqlite.Store, ring *seal.Ring) error {
				rotated, err := rotate(ctx, st, ring, keepOld)
				if err != nil {
					return err
				}
				return r.printRotation(cmd, rotated)
			})
		},
	})
	declareBool(cmd.Flags(), &keepOld, "keep-old-key", "leave the old key in the file")
	annotate(cmd.Flags(), "keep-old-key", noVariable)
	return cmd
}

// rotation is what rotate did.
type rotation struct {
	Finished bool             `json:"finished_an_earlier_one"`
	Key      string           `json:"key"`
	Messages map[string]int64 `json:"messages_by_key"`
	Removed  []string         `json:"removed_keys"`
}

// rotate finishes what was left unfinished or, if nothing was, changes the key.
// A crash at any point leaves each message with a key that is in the file.
func rotate(ctx context.Context, st *sqlite.Store, ring *seal.Ring, keepOld bool) (done rotation, err error) {
	e, err := st.Encryption(ctx)
	if err != nil {
		return done, err
	}
	if e.Key == "" {
		return done, agentbridge.Refuse(agentbridge.Conflict, "", "the messages of this database are not encrypted; start the bridge with --encrypt first")
	}
	if err := ring.Load(); err != nil {
		return done, err
	}
	done.Finished = e.Unfinished || ring.KeyID() != e.Key
	if !done.Finished && !keepOld { // only the old key's removal may have been left
		if done.Removed, err = retire(ctx, st, ring); err != nil {
			return done, err
		}
		done.Finished = len(done.Removed) > 0
	}
	err = st.UseKey(ctx, func(current string) (string, error) {
		if newest := ring.KeyID(); done.Finished || newest != current {
			return newest, nil
		}
		return ring.Add()
	})
	if err != nil {
		return done, err
	}
	if err := st.Reseal(ctx); err != nil {
		return done, err
	}
	if !keepOld && len(done.Removed) == 0 {
		if done.Removed, err = retire(ctx, st, ring); err != nil {
			return done, err
		}
	}
	e, err = st.Encryption(ctx)
	done.Key, done.Messages = e.Key, e.Messages
	return done, err
}

// retire removes the keys that nothing needs from the file.
func retire(ctx context.Context, st *sqlite.Store, ring *seal.Ring) (removed []string, err error) {
	err = st.Retire(ctx, func(needed []string) error {
		removed, err = ring.Keep(needed)
		return err
	})
	return removed, err
}

func (r *reading) printRotation(cmd *cobra.Command, done rotation) error {
	if r.json {
		return printJSONInert(cmd.OutOrStdout(), done)
	}
	w := cmd.OutOrStdout()
	if done.Finished {
		fmt.Fprintln(w, "an earlier change was finished; to change the key once more, run this again")
	}
	fmt.Fprintf(w, "%s encrypted with key %s\n", counted(done.Messages[done.Key], "message"), inert(done.Key))
	for _, key := range slices.Sorted(maps.Keys(done.Messages)) {
		if key != done.Key {
			fmt.Fprintf(w, "%s could not be decrypted with key %s and stayed as it is\n", counted(done.Messages[key], "message"), orDash(key))
		}
	}
	if len(done.Removed) > 0 {
		fmt.Fprintf(w, "removed from the file: %s; copies of the database from before need it\n", inert(strings.Join(done.Removed, ", ")))
	}
	return nil
}
