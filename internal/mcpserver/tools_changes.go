package mcpserver

import (
	"agentbridge"
	"agentbridge/internal/wire"
)

// What an answer to a send says of a message that was not stored as it came.
var (
	mayRedacted  = may("redacted", anyBool)
	mayKinds     = may("kinds", `{"type":"object","additionalProperties":{"type":"integer"}}`)
	maySanitized = may("sanitized", anyNumber)
)

// sayChanges tells the sender what was taken out of a message.
func (f *fence) sayChanges(sent agentbridge.Sent) wire.Changes {
	changes := wire.ChangesOf(sent)
	if text := changes.Prose(); text != "" {
		f.sayf("%s", text)
	}
	return changes
}
