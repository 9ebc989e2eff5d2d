//go:build conformance

package main

import (
	"agentbridge/internal/mcpserver"

	"github.com/spf13/cobra"
)

func conformanceCommands() []*cobra.Command { return []*cobra.Command{newConformanceServer()} }

// newConformanceServer is serve with the fixtures of the protocol's conformance
// suite: the same flags, boundary, router and transports. It exists only in
// builds with the tag conformance, because its tools ask and tell anybody
// anything.
func newConformanceServer() *cobra.Command {
	f := &serveFlags{mcp: mcpserver.Options{}.WithFixtures()}
	cmd := &cobra.Command{
		Use:   "conformance-server",
		Short: "Serve the bridge with what the conformance suite of MCP asks for",
		Args:  usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.serve(cmd.Context(), cmd.Flags(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.declare(cmd)
	return cmd
}
