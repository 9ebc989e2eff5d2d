package main

import (
	"errors"

	"agentbridge/internal/mcpserver"

	"github.com/spf13/cobra"
)

func newStdio(std stdio) *cobra.Command {
	f := &storeFlags{}
	cmd := &cobra.Command{
		Use:   "stdio",
		Short: "Serve one agent over stdin and stdout",
		Long: `Serve MCP to the program that started this one, over stdin and stdout.

Every process on the same database, this one and 'agentbridge serve' included,
sees the same messages; none of them needs another to run.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			redactor, err := f.redactor()
			if err != nil {
				return err
			}
			outliveSignals()
			tuneMemory()
			log := newLogger(std.err, redactor)
			b, err := f.open(cmd.Context(), log, redactor)
			if err != nil {
				return err
			}
			mcp := mcpserver.New(b, mcpserver.Options{Logger: log})
			err = mcp.ServeStdio(cmd.Context(), std.in, std.out)
			mcp.Close()
			return errors.Join(err, b.close())
		},
	}
	f.declare(cmd)
	f.engineFlags.declare(cmd)
	return cmd
}
