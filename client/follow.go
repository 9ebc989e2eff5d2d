package client

import (
	"context"
	"encoding/json"
	"net/url"

	"agentbridge"
	"agentbridge/internal/wire"
)

// Follow implements agentbridge.Session.
func (c *Client) Follow(ctx context.Context, channel agentbridge.ChannelName, after agentbridge.Position) (agentbridge.Feed, error) {
	if channel == "" { // the path would be another
		return nil, agentbridge.Refuse(agentbridge.Required, "channel", "must not be empty")
	}
	return c.open(ctx, source{path: "/events/channel/" + segment(string(channel)), query: url.Values{"positions": {"1"}}, read: func(f frame) ([]agentbridge.Event, error) {
		e, err := c.channelEvent(channel, f)
		if err != nil || e.Kind == "" {
			return nil, err
		}
		return []agentbridge.Event{e}, nil
	}}, after)
}

// channelEvent understands a frame of a channel's stream. Events that it does
// not know are none: a later bridge may have more.
func (c *Client) channelEvent(channel agentbridge.ChannelName, f frame) (agentbridge.Event, error) {
	e := agentbridge.Event{Channel: channel}
	var err error
	switch f.event {
	case wire.EventMessage:
		var m wire.StreamMessage
		if err = json.Unmarshal([]byte(f.data), &m); err == nil {
			e.Kind = agentbridge.EventMessage
			m.Channel = channel // which is asked for; reference B does not repeat it
			e.Message, err = m.Read()
		}
	case wire.EventClear:
		var w wire.Cleared
		err = json.Unmarshal([]byte(f.data), &w)
		e.Kind, e.Removed = agentbridge.EventCleared, w.Cleared
	case wire.EventExpired:
		var w wire.ExpiredMessages
		err = json.Unmarshal([]byte(f.data), &w)
		e.Kind, e.Removed = agentbridge.EventExpired, w.Expired
	case wire.EventStale:
		e.Kind = agentbridge.EventStale
	case wire.EventTruncated:
		return e, errTruncated
	}
	if err != nil {
		return agentbridge.Event{}, c.foreign("an event in its stream makes no sense")
	}
	return e, nil
}
