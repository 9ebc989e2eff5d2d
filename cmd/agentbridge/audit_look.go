package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"agentbridge/internal/audit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store/sqlite"

	"github.com/spf13/cobra"
)

// lookAtLog opens the database for evidence: nothing of it is made or changed,
// whoever works on it meanwhile.
func (f *storeFlags) lookAtLog(cmd *cobra.Command, look func(context.Context, relay.AuditLog) error) error {
	if err := f.check(); err != nil {
		return err
	}
	db, err := f.openLook()
	if err != nil {
		return err
	}
	log := relay.AuditLog{Store: db, KeyFile: f.key(db.Path()), AuditKeyFile: f.auditKey(db.Path())}
	return errors.Join(look(cmd.Context(), log), db.Close())
}

// openLook brings the keys of an encrypted database along, if they are there: all
// but the messages can be looked at without.
func (f *storeFlags) openLook() (*sqlite.Look, error) {
	if ring := f.ring(f.db); ring.Load() == nil {
		return sqlite.OpenLook(f.db, ring)
	}
	return sqlite.OpenLook(f.db, nil)
}

// maxCheckpoints bounds a file of checkpoints: some million of them.
const maxCheckpoints = 256 << 20

// readCheckpoints returns the checkpoints of a file, "-" for the standard input:
// those that stand in it one after the other, or those among the texts of a JSON
// value, such as an answer of bridge_ping or /api/state. It warns of what else
// stands in the file, as a full disk or a killed bridge leaves it there.
func readCheckpoints(cmd *cobra.Command, path string) ([]string, error) {
	raw, err := readBounded(cmd, path)
	if err != nil {
		return nil, err
	}
	var value any
	if json.Unmarshal(raw, &value) == nil {
		if notes := notesWithin(value); len(notes) > 0 {
			return notes, nil
		}
		return nil, fmt.Errorf("%s: there is no checkpoint in this JSON", path)
	}
	notes, rest := audit.SplitNotes(string(raw))
	if len(notes) == 0 {
		return nil, fmt.Errorf("%s: this is no file of checkpoints, or it ends within one; make one with: agentbridge audit head", path)
	}
	if rest != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s: %d bytes of it are no whole checkpoint and were passed over; the log is held against the %d whole ones\n",
			path, len(rest), len(notes))
	}
	return notes, nil
}

func readBounded(cmd *cobra.Command, path string) ([]byte, error) {
	in := cmd.InOrStdin()
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxCheckpoints+1))
	if err == nil && len(raw) > maxCheckpoints {
		err = fmt.Errorf("%s: it has more than %d MiB, which no file of checkpoints has", path, maxCheckpoints>>20)
	}
	return raw, err
}

// notesWithin finds checkpoints among the texts of a JSON value.
func notesWithin(value any) (notes []string) {
	switch v := value.(type) {
	case string:
		if found, rest := audit.SplitNotes(v); rest == "" {
			return found
		}
	case []any:
		for _, item := range v {
			notes = append(notes, notesWithin(item)...)
		}
	case map[string]any:
		for _, item := range v {
			notes = append(notes, notesWithin(item)...)
		}
		slices.Sort(notes) // a map has no order, and a report should
	}
	return notes
}
