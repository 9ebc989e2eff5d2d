package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// Entries implements agentbridge.Session. The server may keep its audit log to
// itself, and shows no more of it than its audit retention.
func (c *Client) Entries(ctx context.Context, q agentbridge.EntryQuery) (page agentbridge.EntryPage, err error) {
	w, err := ask(ctx, c, get("/api/audit", entryQuery(q)), func(w wire.Audit) bool { return w.Events != nil && w.NextBefore >= 0 })
	if err != nil {
		return page, err
	}
	if !w.Enabled {
		return page, agentbridge.Refuse(agentbridge.Unavailable, "", "the bridge at %s does not show its audit log; ask its operator, who can read it there or let the server show it", c.name)
	}
	for _, event := range w.Events {
		e, err := readEntry(event)
		if err != nil {
			return agentbridge.EntryPage{}, c.foreign("an entry in its answer makes no sense")
		}
		page.Entries = append(page.Entries, e)
	}
	page.Next = w.NextBefore
	return page, nil
}

// entryQuery is an EntryQuery as the API takes it.
func entryQuery(q agentbridge.EntryQuery) url.Values {
	if q.Limit <= 0 {
		q.Limit = agentbridge.DefaultEntries // the API's own default is another
	}
	v := url.Values{"limit": {strconv.Itoa(min(q.Limit, agentbridge.MaxEntries))}}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("channel", string(q.Target))
	set("actor", string(q.Actor))
	set("event", string(q.Action))
	set("outcome", string(q.Outcome))
	set("since", timeText(q.Since))
	set("until", timeText(q.Until))
	if q.Before > 0 {
		v.Set("before", strconv.FormatInt(q.Before, 10))
	}
	return v
}

func timeText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
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
