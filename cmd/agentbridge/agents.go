package main

import (
	"fmt"

	"agentbridge/docs"

	"github.com/spf13/cobra"
)

func newAgents() *cobra.Command {
	return &cobra.Command{
		Use:   "agents-md",
		Short: "Print what to put into CLAUDE.md or AGENTS.md so that an agent uses the bridge well",
		Args:  usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), docs.Agents)
			return err
		},
	}
}
