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
		Short: "Show the audit log, newest first, and check that nobody tampered with it",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := agentbridge.EntryQuery{Limit: limit}
			if len(args) == 1 {
				id, err := agentbridge.ParseConversationID(args[0])
				if err != nil {
					return err
				}
				q.Target = id.Channel()
			}
			return r.showEntries(cmd, q)
		},
	})
	declareLimit(cmd, &limit)
	cmd.AddCommand(newAuditList(), newAuditVerify(), newAuditHead(), newAuditKey(), newAuditNewKey(),
		newAuditProve(), newAuditCheckProof(), newAuditExport())
	return cmd
}

func declareLimit(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVar(limit, "limit", agentbridge.DefaultEntries, fmt.Sprintf("how many entries, 1 to %d", agentbridge.MaxEntries))
	annotate(cmd.Flags(), "limit", noVariable)
}

// showEntries prints what a query selects.
func (r *reading) showEntries(cmd *cobra.Command, q agentbridge.EntryQuery) error {
	if q.Limit < 1 || q.Limit > agentbridge.MaxEntries {
		return usageError{fmt.Errorf("--limit must be 1 to %d, not %d", agentbridge.MaxEntries, q.Limit)}
	}
	return r.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error {
		page, err := op.Entries(ctx, q)
		if err != nil {
			return err
		}
		if len(page.Entries) == 0 && page.Next == 0 && q.Target.Private() {
			return agentbridge.Refuse(agentbridge.NotFound, "", "the audit log has no entries of %s; list conversations with: agentbridge conversation list", q.Target)
		}
		if len(page.Entries) == 0 && !r.json {
			fmt.Fprintln(cmd.ErrOrStderr(), "no audit entries")
		}
		if err := r.printEntries(cmd.OutOrStdout(), page.Entries); err != nil || page.Next == 0 {
			return err
		}
		_, err = fmt.Fprintf(cmd.ErrOrStderr(), "there may be older ones: add --before %d\n", page.Next)
		return err
	})
}

// entryJSON is an audit entry in --json output.
type entryJSON struct {
	Seq     int64                   `json:"seq"`
	At      string                  `json:"at"`
	Actor   agentbridge.AgentName   `json:"actor"`
	Action  agentbridge.Action      `json:"action"`
	Target  agentbridge.ChannelName `json:"target"`
	Outcome agentbridge.Outcome     `json:"outcome"`
	Detail  json.RawMessage         `json:"detail"`
}

func newEntryJSON(e agentbridge.Entry) entryJSON {
	return entryJSON{e.Seq, agentbridge.FormatTime(e.At), e.Actor, e.Action, e.Target, e.Action.Outcome(), json.RawMessage(e.Detail)}
}

func (r *reading) printEntries(w io.Writer, entries []agentbridge.Entry) error {
	if r.json {
		out := make([]entryJSON, 0, len(entries))
		for _, e := range entries {
			out = append(out, newEntryJSON(e))
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
