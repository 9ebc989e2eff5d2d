package client

import (
	"context"
	"net/url"
	"strconv"

	"agentbridge"
	"agentbridge/internal/wire"
)

// Channels implements agentbridge.Session.
func (c *Client) Channels(ctx context.Context, query agentbridge.ChannelQuery) (list agentbridge.ChannelList, err error) {
	q := afterQuery(query.After, query.MaxBytes)
	if query.Senders {
		q.Set("senders", "1")
	}
	w, err := ask(ctx, c, get("/api/channels", q), func(w wire.Channels) bool { return w.Channels != nil })
	if err != nil {
		return list, err
	}
	list.TotalChannels, list.TotalMessages = w.TotalChannels, w.TotalMessages
	list.Next = nextChannel(w.NextChannel)
	for _, line := range w.Channels {
		at, err := wire.ReadTime(line.LastTimestamp)
		if err != nil {
			return agentbridge.ChannelList{}, c.foreign("the time in its answer makes no sense")
		}
		list.Channels = append(list.Channels, agentbridge.ChannelInfo{Name: line.Channel, Count: line.Count, LastAt: at, Senders: line.Senders})
	}
	return list, nil
}

func afterQuery(after agentbridge.ChannelName, maxBytes int) url.Values {
	q := url.Values{}
	if after != "" {
		q.Set("after_channel", string(after))
	}
	setBytes(q, maxBytes)
	return q
}

func nextChannel(name *string) agentbridge.ChannelName {
	if name == nil {
		return ""
	}
	return agentbridge.ChannelName(*name)
}

// Overview implements agentbridge.Session.
func (c *Client) Overview(ctx context.Context, after agentbridge.ChannelName, perChannel, maxBytes int) (o agentbridge.Overview, err error) {
	q := afterQuery(after, maxBytes)
	q.Set("per_channel", strconv.Itoa(min(max(perChannel, 1), agentbridge.MaxPerChannel)))
	w, err := ask(ctx, c, get("/api/overview", q), func(w wire.Overview) bool { return w.Channels != nil })
	if err != nil {
		return o, err
	}
	for _, v := range w.Channels {
		list, err := c.readRecords(v.Messages)
		if err == nil && v.Channel == "" {
			err = c.foreign("a channel in its answer has no name")
		}
		if err != nil {
			return agentbridge.Overview{}, err
		}
		o.Channels = append(o.Channels, agentbridge.ChannelView{Name: v.Channel, Total: v.Total, Messages: list})
	}
	o.Next = nextChannel(w.NextChannel)
	return o, nil
}

// Agent tells whose token the client was given, "" for one that is nobody's in
// particular, or none.
func (c *Client) Agent(ctx context.Context) (agentbridge.AgentName, error) {
	if c.token == "" {
		return "", nil
	}
	w, err := ask(ctx, c, get("/api/session", nil), func(w wire.Session) bool { return w.Authenticated })
	return w.Agent, err
}

// Ping implements agentbridge.Session. It also fails, as Unusable, if the
// bridge's audit log contradicts what an earlier Ping was told of it.
func (c *Client) Ping(ctx context.Context) (agentbridge.Health, error) {
	before := c.witness.before()
	w, err := ask(ctx, c, get("/api/ping", nil), func(w wire.Health) bool { return w.Service == agentbridge.Service })
	if err != nil {
		return agentbridge.Health{}, err
	}
	at, err := wire.ReadTime(w.ServerTime)
	if err != nil {
		return agentbridge.Health{}, c.foreign("the time in its answer makes no sense")
	}
	h := agentbridge.Health{Channels: w.Channels, Messages: w.Messages, Time: at}
	if w.Checkpoint != nil {
		h.Checkpoint.Note = *w.Checkpoint
	}
	said, err := readCheckpoint(h.Checkpoint.Note)
	if err != nil {
		return agentbridge.Health{}, c.foreign(err.Error())
	}
	h.Checkpoint.Size = said.size
	return h, c.witness.check(before, said)
}
