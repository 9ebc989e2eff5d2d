package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"

	"agentbridge/internal/audit"
	"agentbridge/internal/relay"

	"github.com/spf13/cobra"
)

func newAuditExport() *cobra.Command {
	f := &storeFlags{}
	var since, until int
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print the audit log, oldest first, a line of JSON for each entry",
		Long: `Print the audit log, oldest first, a line of JSON for each entry: its fields, its
text, and its leaf, the entry's hash in the tree.

Whoever has all lines can compute what a checkpoint signs, its third line (RFC 6962):
  leaf = SHA-256 of a zero byte and the bytes of text
  node = SHA-256 of a byte 1, the hash on its left, and the one on its right
  root of one leaf: the leaf; of n leaves: the node over the root of the first k and
  the root of the rest, where k is the largest power of two that is less than n
Hashes are printed in base64.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.lookAtLog(cmd, func(ctx context.Context, log relay.AuditLog) error {
				out := bufio.NewWriter(cmd.OutOrStdout())
				err := log.Export(ctx, max(0, int64(since)-1), int64(until), func(e relay.Exported) error { return exportLine(out, e) })
				return errors.Join(err, out.Flush())
			})
		},
	}
	f.declare(cmd)
	declareNumber(cmd.Flags(), &since, "since", 0, 0, math.MaxInt, "from the entry with this number on")
	declareNumber(cmd.Flags(), &until, "until", 0, 0, math.MaxInt, "up to the entry with this number")
	for _, name := range []string{"since", "until"} {
		annotate(cmd.Flags(), name, noVariable)
	}
	return cmd
}

// exportJSON is an entry as it is exported.
type exportJSON struct {
	entryJSON
	Leaf audit.Hash `json:"leaf"`
	Text string     `json:"text"`
}

func exportLine(out *bufio.Writer, e relay.Exported) error {
	line := exportJSON{newEntryJSON(e.Entry), e.Leaf, string(e.Text)}
	if line.Detail != nil && !json.Valid(line.Detail) { // somebody edited it
		line.Detail, _ = json.Marshal(string(line.Detail))
	}
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return err
	}
	_, err := out.Write(inertJSON(raw.Bytes()))
	return err
}
