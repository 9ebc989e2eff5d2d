// Package docs holds those documents that the program prints itself.
package docs

import _ "embed"

// Agents is what to tell an agent about the bridge, in Markdown.
//
//go:embed agents.md
var Agents string
