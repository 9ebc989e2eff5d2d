package main

import (
	"errors"

	"agentbridge/internal/mcpserver"

	"github.com/spf13/cobra"
)

func newStdio(std stdio) *cobra.Command {
	f := &storeFlags{}
	var auth authFlags // only its file
	cmd := &cobra.Command{
		Use:   "stdio",
		Short: "Serve one agent over stdin and stdout",
		Long: `Serve MCP to the program that started this one, over stdin and stdout.

Every process on the same database, this one and 'agentbridge serve' included,
sees the same messages; none of them needs another to run.

With an agent's token ('agentbridge agent add') the program acts as that agent and
may do what that may; without one it acts for you, the owner of the database.

It keeps the tokens of conversations that it gives out, so that the program may
leave them out of its calls. With --partner-token invite-only it shows none.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			redactor, err := f.redactor()
			if err != nil {
				return err
			}
			token, err := ownToken(cmd.Flags(), &auth, std.err)
			if err != nil {
				return err
			}
			outliveSignals()
			tuneMemory()
			log := newLogger(std.err, redactor)
			f.reseal = true
			b, err := f.open(cmd.Context(), log, redactor)
			if err != nil {
				return err
			}
			who, err := b.acting(cmd.Context(), token)
			if err != nil {
				return errors.Join(err, b.close())
			}
			mcp := mcpserver.New(b, mcpserver.Options{Logger: log, Principal: who, KeepTokens: true})
			err = mcp.ServeStdio(cmd.Context(), std.in, std.out)
			mcp.Close()
			return errors.Join(err, b.close())
		},
	}
	f.declare(cmd)
	f.declareEncrypt(cmd)
	f.engineFlags.declare(cmd)
	auth.declareFile(cmd.Flags(), "`file` with the token of the agent that calls; or put the token into the environment variable "+tokenVariable)
	return cmd
}
