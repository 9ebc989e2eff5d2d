package httpapi

import (
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
