package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"agentbridge"
	"agentbridge/internal/wire"
)

// entryLooks is how many pages of the log Entries reads to find those of one
// channel, as near by.
const entryLooks = 10

// Entries implements agentbridge.Session. The server may keep its audit log to
// itself, and shows no more of it than its audit retention.
func (c *Client) Entries(ctx context.Context, q agentbridge.EntryQuery) (list []agentbridge.Entry, err error) {
	if q.Limit <= 0 {
		q.Limit = agentbridge.DefaultEntries
	}
	q.Limit = min(q.Limit, agentbridge.MaxEntries)
	page := q.Limit
	if q.Target != "" {
		page = agentbridge.MaxEntries // the API knows no target: look for it here
	}
	for range entryLooks {
		events, err := c.auditPage(ctx, q.Before, page)
		if err != nil {
			return nil, err
		}
		for _, event := range events {
			e, err := readEntry(event)
			if err != nil {
				return nil, c.foreign("an entry in its answer makes no sense")
			}
			q.Before = e.Seq
			if q.Target != "" && e.Target != q.Target {
				continue
			}
			if list = append(list, e); len(list) == q.Limit {
				return list, nil
			}
		}
		if len(events) < page {
			break
		}
	}
	return list, nil
}

func (c *Client) auditPage(ctx context.Context, before int64, limit int) ([]wire.AuditEvent, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	w, err := ask(ctx, c, get("/api/audit", q), func(w wire.Audit) bool { return w.Events != nil })
	if err == nil && !w.Enabled {
		err = agentbridge.Refuse(agentbridge.Unavailable, "", "the bridge at %s does not show its audit log; ask its operator, who can read it there or let the server show it", c.name)
	}
	return w.Events, err
}

// readEntry reads an entry back from the words of reference B.
func readEntry(w wire.AuditEvent) (agentbridge.Entry, error) {
	at, err := wire.ReadTime(w.Timestamp)
	e := agentbridge.Entry{Seq: w.ID, At: at, Actor: agentbridge.AgentName(w.Actor), Action: agentbridge.Action(w.Event)}
	if w.Channel != nil {
		e.Target = agentbridge.ChannelName(*w.Channel)
	}
	if w.Detail == nil {
		return e, err
	}
	var cleared int64
	if w.Event == "channel_clear" {
		e.Action = agentbridge.ActionClear
		if n, _ := fmt.Sscanf(*w.Detail, "%d message(s)", &cleared); n == 1 {
			e.Detail = fmt.Appendf(nil, `{"cleared":%d}`, cleared)
		}
		return e, err
	}
	if json.Valid([]byte(*w.Detail)) {
		e.Detail = agentbridge.Metadata(*w.Detail)
	}
	return e, err
}
