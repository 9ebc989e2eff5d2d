package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"agentbridge"

	"github.com/spf13/cobra"
)

func newAudit() *cobra.Command {
	r := &reading{}
	var limit int
	cmd := r.declare(&cobra.Command{
		Use:   "audit [CONVERSATION]",
		Short: "Show the audit log, newest first",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := agentbridge.EntryQuery{Limit: limit}
			if limit < 1 || limit > agentbridge.MaxEntries {
				return usageError{fmt.Errorf("--limit must be 1 to %d, not %d", agentbridge.MaxEntries, limit)}
			}
			if len(args) == 1 {
				id, err := agentbridge.ParseConversationID(args[0])
				if err != nil {
					return err
				}
				q.Target = id.Channel()
			}
			return r.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error {
				entries, err := op.Entries(ctx, q)
				if err != nil {
					return err
				}
				if len(entries) == 0 && q.Target != "" {
					return agentbridge.Refuse(agentbridge.NotFound, "", "the audit log has no entries of %s; list conversations with: agentbridge conversation list", q.Target)
				}
				if len(entries) == 0 && !r.json {
					fmt.Fprintln(cmd.ErrOrStderr(), "no audit entries")
				}
				return r.printEntries(cmd.OutOrStdout(), entries)
			})
		},
	})
	cmd.Flags().IntVar(&limit, "limit", agentbridge.DefaultEntries, fmt.Sprintf("how many entries, 1 to %d", agentbridge.MaxEntries))
	annotate(cmd.Flags(), "limit", noVariable)
	return cmd
}

// entryJSON is an audit entry in --json output.
type entryJSON struct {
	Seq    int64                   `json:"seq"`
	At     string                  `json:"at"`
	Actor  agentbridge.AgentName   `json:"actor"`
	Action agentbridge.Action      `json:"action"`
	Target agentbridge.ChannelName `json:"target"`
	Detail json.RawMessage         `json:"detail"`
}

func (r *reading) printEntries(w io.Writer, entries []agentbridge.Entry) error {
	if r.json {
		out := make([]entryJSON, 0, len(entries))
		for _, e := range entries {
			out = append(out, entryJSON{e.Seq, agentbridge.FormatTime(e.At), e.Actor, e.Action, e.Target, json.RawMessage(e.Detail)})
		}
		return printJSONInert(w, out)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, e := range entries {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Seq, agentbridge.FormatTime(e.At), orDash(e.Actor), e.Action, orDash(e.Target), inert(string(e.Detail)))
	}
	return table.Flush()
}

func orDash[S ~string](s S) string {
	if s == "" {
		return "-"
	}
	return inert(s)
}
