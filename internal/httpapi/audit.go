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

// audit is GET /api/audit, newest first. Where the log is not shown to
// everybody, those who are known by name are asked for the right to see it.
func audit(ctx context.Context, c *call) (any, error) {
	out := wire.Audit{Enabled: c.server.opts.Audit || agentbridge.PrincipalOf(ctx).Verified(), Events: []wire.AuditEvent{}}
	if !out.Enabled {
		return out, nil
	}
	q, err := entryQuery(c.query)
	if err != nil {
		return nil, err
	}
	if oldest := time.Now().Add(-c.server.opts.AuditAge); q.Since.Before(oldest) {
		q.Since = oldest
	}
	page, err := c.session.Entries(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, e := range page.Entries {
		out.Events = append(out.Events, auditEvent(e))
	}
	out.NextBefore = page.Next
	return out, nil
}

func entryQuery(p params) (q agentbridge.EntryQuery, err error) {
	q.Limit = p.clamped("limit", defaultEvents, 1, agentbridge.MaxEntries)
	if q.Before, err = p.positive("before"); err != nil {
		return q, err
	}
	if q.Target, err = p.target("channel"); err != nil {
		return q, err
	}
	if q.Actor, err = p.actor("actor"); err != nil {
		return q, err
	}
	if q.Action, err = optional(p, "event", agentbridge.ParseAction); err != nil {
		return q, err
	}
	if q.Outcome, err = optional(p, "outcome", agentbridge.ParseOutcome); err != nil {
		return q, err
	}
	if q.Since, err = p.time("since"); err != nil {
		return q, err
	}
	if q.Until, err = p.time("until"); err == nil && !q.Until.IsZero() && !q.Until.After(q.Since) {
		err = agentbridge.Refuse(agentbridge.OutOfRange, "until", "must be later than since")
	}
	return q, err
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
