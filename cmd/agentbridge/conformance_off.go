//go:build !conformance

package main

import "github.com/spf13/cobra"

// conformanceCommands are those of a build with the tag conformance.
func conformanceCommands() []*cobra.Command { return nil }
