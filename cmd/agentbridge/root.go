package main

import (
	"fmt"

	"agentbridge"

	"github.com/spf13/cobra"
)

func newRoot(std stdio) *cobra.Command {
	root := &cobra.Command{
		Use:     "agentbridge",
		Version: agentbridge.Version,
		Short:   "A bridge through which coding agents exchange messages",
		Long: `agentbridge carries messages between coding agents (Claude Code, Codex, Gemini
CLI and whatever else speaks MCP), on one machine or many. Every message is on disk
before its sender is told so.

Each flag can also be set by an environment variable: --db by AGENTBRIDGE_DB,
--conversation-ttl by AGENTBRIDGE_CONVERSATION_TTL, and so on. The flag wins.

Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 authentication, 5 conflict,
6 timed out waiting, 7 refused, 8 audit broken, 9 unreachable, 130 interrupted.
'audit verify' and 'audit check-proof' have their own; see their --help.`,
		Args:              usageArgs(noArgs),
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd.Flags()) },
		SilenceErrors:     true, // exitCode prints them, once
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(flagError)

	conversation := &cobra.Command{
		Use:   "conversation",
		Short: "List, show and clean up conversations",
		Args:  usageArgs(noArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	// Reference A's commands stand at the top level; the noun holds them too.
	for _, make := range []func() *cobra.Command{newList, newShow, newTokens, newCleanup} {
		conversation.AddCommand(make())
		alias := make()
		alias.Short = "Short for: conversation " + alias.Name()
		root.AddCommand(alias)
	}
	root.AddCommand(newServe(), newStdio(std), newDemo(), conversation, newAudit(), newVersion())
	root.AddCommand(newSend(), newRead(), newWait(), newTail(), newAck(), newChannel(), newConnect(), newAgent(), newAgents(), newRedact(), newEncryption(), newDoctor(), newBench())
	root.AddCommand(conformanceCommands()...)
	return root
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}

// noArgs is cobra.NoArgs with words that fit commands without subcommands too.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		return fmt.Errorf("unknown command %q", args[0])
	}
	return fmt.Errorf("unexpected argument %q", args[0])
}
