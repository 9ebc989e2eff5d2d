package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/relay"

	"github.com/spf13/cobra"
)

func newAuditProve() *cobra.Command {
	f := &storeFlags{}
	cmd := &cobra.Command{
		Use:   "prove SEQ",
		Short: "Print a proof that an entry stands in the audit log",
		Long: `Print a proof that an entry stands in the audit log, which anybody can check who has
the log's verifier key, without the database: agentbridge audit check-proof FILE --key
VERIFIER. It holds this one entry, some hashes and a signed checkpoint, and nothing of
other entries (C2SP tlog-proof; the entry is its extra data).`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || seq < 1 {
				return usageError{fmt.Errorf("%q is not the number of an entry; list them with: agentbridge audit list", args[0])}
			}
			return f.lookAtLog(cmd, func(ctx context.Context, log relay.AuditLog) error {
				proof, err := log.Prove(ctx, seq)
				if err == nil {
					_, err = fmt.Fprint(cmd.OutOrStdout(), agentbridge.Inert(proof))
				}
				return err
			})
		},
	}
	f.declare(cmd)
	return cmd
}

// proving is audit check-proof.
type proving struct {
	reading
	keys []string
}

func newAuditCheckProof() *cobra.Command {
	p := &proving{}
	cmd := p.declare(&cobra.Command{
		Use:   "check-proof FILE",
		Short: "Check a proof that an entry stands in the audit log",
		Long: `Check what 'agentbridge audit prove' printed, - for standard input. With --key it needs
no database; without it the key is the one that the database names.

Exit codes: 0 the proof is right, 1 it is wrong, 2 it could not be checked.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd, args[0]) },
	})
	declareVerifiers(cmd, &p.keys)
	return cmd
}

func (p *proving) run(cmd *cobra.Command, path string) error {
	raw, err := readBounded(cmd, path)
	if err == nil {
		err = checkVerifiers(p.keys)
	}
	keys := p.keys
	if err == nil && len(keys) == 0 {
		err = p.lookAtLog(cmd, func(ctx context.Context, log relay.AuditLog) error {
			keys, err = log.Verifiers(ctx)
			return err
		})
	}
	if err != nil {
		return exitError{exitUnchecked, err}
	}
	proven, err := audit.CheckProof(strings.ReplaceAll(string(raw), "\r\n", "\n"), strings.Join(keys, " "))
	if err != nil {
		return exitError{exitTampered, err}
	}
	return p.print(cmd, proven)
}

func (p *proving) print(cmd *cobra.Command, proven audit.Proven) error {
	s := proven.Statement
	if p.json {
		return printJSONInert(cmd.OutOrStdout(), map[string]any{
			"seq": proven.Seq, "entry": string(proven.Entry), "origin": s.Origin, "size": s.Size, "root": s.Root.String(), "key_given": len(p.keys) > 0})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "right: entry %d of %s, which had %d entries when this was signed\n%s\n", proven.Seq, inert(s.Origin), s.Size, inert(string(proven.Entry)))
	if len(p.keys) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "the key is the one that the database names, and only as good as that; --key brings one")
	}
	return nil
}
