package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/relay"

	"github.com/spf13/cobra"
)

func newAuditHead() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "head",
		Short: "Print a signed checkpoint of the audit log, to be kept elsewhere",
		Long: `Print a checkpoint of the audit log as it is, signed with its key: a text that says
how many entries there are and what their common hash is. Whoever keeps it on another
machine, in an issue or on paper can tell later whether the log still begins with
these entries: agentbridge audit verify --checkpoint FILE. It gives nothing away.
Without the key it is the last one that the bridge made.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.lookAtLog(cmd, func(ctx context.Context, log relay.AuditLog) error {
				head, err := log.Head(ctx)
				if err != nil {
					return err
				}
				if head.Stale != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "this is the last checkpoint that the bridge made, %d entries ago: %s\n", head.Behind, inert(head.Stale.Error()))
				}
				if r.json {
					return printJSONInert(cmd.OutOrStdout(), newHeadJSON(head))
				}
				_, err = fmt.Fprint(cmd.OutOrStdout(), agentbridge.Inert(head.Note))
				return err
			})
		},
	})
}

// headJSON is a checkpoint in --json output.
type headJSON struct {
	Origin   string `json:"origin"`
	Size     int64  `json:"size"`
	Root     string `json:"root"`
	Note     string `json:"note"`
	Verifier string `json:"verifier"`
	Behind   int64  `json:"behind"` // entries that it does not cover
}

func newHeadJSON(h relay.AuditHead) headJSON {
	out := headJSON{Size: h.Size, Note: h.Note, Verifier: h.Verifier, Behind: h.Behind}
	if lines := strings.Split(h.Note, "\n"); len(lines) > 2 {
		out.Origin, out.Root = lines[0], lines[2]
	}
	return out
}

func newAuditKey() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "key",
		Short: "Print the key that checks the log's signatures; it is no secret",
		Long: `Print the key that checks the signatures of the audit log's checkpoints. It is no
secret. Keep it elsewhere and give it to verify and check-proof with --key: they then
need not believe the database. If the log's key was replaced, all are printed, the one
in use last.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.lookAtLog(cmd, func(ctx context.Context, log relay.AuditLog) error {
				keys, err := log.Verifiers(ctx)
				if err != nil {
					return err
				}
				if r.json {
					return printJSONInert(cmd.OutOrStdout(), map[string][]string{"verifiers": keys})
				}
				for _, key := range keys {
					fmt.Fprintln(cmd.OutOrStdout(), inert(key))
				}
				return nil
			})
		},
	})
}

func newAuditNewKey() *cobra.Command {
	f := &storeFlags{}
	cmd := &cobra.Command{
		Use:   "new-key",
		Short: "Sign the audit log with another key from now on",
		Long: `Sign the audit log with another key from now on: because its key file is lost,
because somebody may have a copy, or because a backup was restored on purpose, behind
which the earlier key has signed more. Move the old file away first if it is still
there; the new one is made in its place (--audit-key). The log keeps that this was
done, and what the earlier key signed stays good. Do it while no bridge is running on
the database: one that has the earlier key stops signing.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.newAuditKey(cmd) },
	}
	f.declare(cmd)
	return cmd
}

func (f *storeFlags) newAuditKey(cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return err
	}
	if _, err := os.Stat(f.db); errors.Is(err, os.ErrNotExist) {
		return agentbridge.Refuse(agentbridge.NotFound, "", "there is no database at %s; name another with --db", f.db)
	}
	redactor, err := f.redactor()
	if err != nil {
		return err
	}
	st, err := f.openStore(newLogger(cmd.ErrOrStderr(), redactor))
	if err != nil {
		return err
	}
	verifier, err := relay.NewAuditKey(cmd.Context(), st, f.auditKey(st.Path()))
	if err := errors.Join(err, st.Close()); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), verifier)
	fmt.Fprintln(cmd.ErrOrStderr(), "the audit log is signed with this key from now on; restart bridges that are running")
	return nil
}

// checkVerifiers refuses keys that are none before anything else is looked at.
func checkVerifiers(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return audit.CheckVerifier(strings.Join(keys, " "))
}
