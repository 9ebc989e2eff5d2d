package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

const defaultEvents = 100 // of /api/audit unless told

// audit is GET /api/audit, newest first.
func audit(ctx context.Context, c *call) (any, error) {
	out := wire.Audit{Enabled: c.server.opts.Audit, Events: []wire.AuditEvent{}}
	if !out.Enabled {
		return out, nil
	}
	before, err := c.query.positive("before")
	if err != nil {
		return nil, err
	}
	limit := c.query.clamped("limit", defaultEvents, 1, agentbridge.MaxEntries)
	entries, err := c.session.Entries(ctx, agentbridge.EntryQuery{Before: before, Limit: limit})
	if err != nil {
		return nil, err
	}
	oldest := time.Now().Add(-c.server.opts.AuditAge)
	for _, e := range entries {
		if !e.At.Before(oldest) {
			out.Events = append(out.Events, auditEvent(e))
		}
	}
	return out, nil
}

func auditEvent(e agentbridge.Entry) wire.AuditEvent {
	var about struct {
		Cleared int64  `json:"cleared"`
		IP      string `json:"ip"`
		Path    string `json:"path"`
	}
	_ = json.Unmarshal(e.Detail, &about) // an entry that has neither says so
	out := wire.AuditEvent{ID: e.Seq, Timestamp: agentbridge.FormatTime(e.At), Event: string(e.Action),
		Channel: wire.OrNull(e.Target), Detail: wire.OrNull(string(e.Detail)), IP: wire.OrNull(about.IP), Actor: string(e.Actor)}
	switch e.Action { // in reference B's words
	case agentbridge.ActionClear:
		out.Event, out.Detail = "channel_clear", new(fmt.Sprintf("%d message(s)", about.Cleared))
	case agentbridge.ActionAuthFailure, agentbridge.ActionPolicyReject, agentbridge.ActionOversizeReject:
		out.Detail = wire.OrNull(about.Path)
	}
	return out
}
