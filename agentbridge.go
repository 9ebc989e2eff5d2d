// Package agentbridge is the vocabulary of the bridge: the names, messages,
// limits, errors and contracts that every other package speaks in. It does
// nothing by itself and imports nothing but the standard library; a [Bridge]
// is implemented by internal/relay and used by every face.
package agentbridge

import "time"

// Version is the version of this module, as told to clients.
const Version = "0.1.0"

// Service is the name the bridge gives itself in answers.
const Service = "agentbridge"

// timeLayout is RFC 3339 in UTC with microseconds always written, so that
// timestamps of one store sort as text.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// FormatTime writes a time as the bridge does everywhere: RFC 3339, UTC,
// microseconds, Z.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }
