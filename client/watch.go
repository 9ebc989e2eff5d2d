package client

import (
	"context"
	"encoding/json"
	"net/url"

	"agentbridge"
	"agentbridge/internal/wire"
)

// Watch implements agentbridge.Session.
func (c *Client) Watch(ctx context.Context, channels []agentbridge.ChannelName, after agentbridge.Position) (agentbridge.Feed, error) {
	q := url.Values{}
	for _, name := range channels {
		if name == "" { // the bridge would not see it
			return nil, agentbridge.Refuse(agentbridge.Required, "channel", "must not be empty")
		}
		q.Add("channel", string(name))
	}
	return c.open(ctx, source{path: "/api/events", query: q, read: c.watchEvents}, after)
}

// watchEvents understands a frame of the stream of several channels.
func (c *Client) watchEvents(f frame) (events []agentbridge.Event, err error) {
	switch f.event {
	case wire.EventBatch:
		var b wire.Batch
		if err = json.Unmarshal([]byte(f.data), &b); err == nil {
			events, err = readHappenings(b.Events)
		}
	case wire.EventReset:
		events = []agentbridge.Event{{Kind: agentbridge.EventReset}}
	case wire.EventBye:
		return nil, agentbridge.Refuse(agentbridge.Closed, "", "the bridge at %s is shutting down", c.name)
	}
	if err != nil {
		return nil, c.foreign("an event in its stream makes no sense")
	}
	return events, nil
}

// readHappenings leaves out kinds it does not know: a later bridge may have
// more.
func readHappenings(list []wire.Happening) (events []agentbridge.Event, err error) {
	for _, h := range list {
		e := agentbridge.Event{Kind: h.Event, Channel: h.Channel}
		switch h.Event {
		case agentbridge.EventMessage:
			if h.Record == nil {
				h.Record = &wire.Record{} // has no time and is refused below
			}
			h.Record.Channel = h.Channel // its own key is hidden by the outer one
			if e.Message, err = h.Record.Read(); err != nil {
				return nil, err
			}
		case agentbridge.EventCleared, agentbridge.EventExpired:
			e.Removed = h.Removed
		default:
			continue
		}
		events = append(events, e)
	}
	return events, nil
}
