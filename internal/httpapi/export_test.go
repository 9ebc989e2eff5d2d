package httpapi

import (
	"maps"
	"slices"
	"time"

	"agentbridge"
)

// SetTimes shortens what a test would have to wait for. Call it before the
// first stream.
func (s *Server) SetTimes(keepAlive, writeLimit time.Duration) {
	s.keepAlive, s.writeLimit = keepAlive, writeLimit
}

// StatusOf is the table from codes to statuses.
func StatusOf(code agentbridge.Code) (status int, ok bool) {
	status, ok = statuses[code]
	return status, ok
}

// Paths are all that the server offers; those that go on end with a slash.
func Paths() []string {
	return slices.Concat(slices.Collect(maps.Keys(routes)), slices.Collect(maps.Keys(longRoutes)))
}
