package mcpserver

import (
	"context"
	"errors"

	"agentbridge"
)

// afterChannel reads the continuation of a listing.
func (c *invocation) afterChannel() agentbridge.ChannelName {
	s, given := c.args.optional("after_channel")
	if !given {
		return ""
	}
	name, err := agentbridge.ParseChannelName(s)
	if refused, ok := errors.AsType[*agentbridge.Error](err); ok {
		refused.Field = "after_channel" // the tool has no channel
	}
	return parsed(c.args, name, err)
}

// channelLine is a channel in a listing.
type channelLine struct {
	Channel       agentbridge.ChannelName `json:"channel"`
	Count         int64                   `json:"count"`
	LastTimestamp string                  `json:"last_timestamp"`
}

func bridgeChannels(ctx context.Context, c *invocation) (*reply, error) {
	after := c.afterChannel()
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Channels(ctx, after)
	if err != nil {
		return nil, err
	}
	f := newFence()
	f.sayf("%s, %s in total.", plural(list.TotalChannels, "channel"), plural(list.TotalMessages, "message"))
	lines := make([]channelLine, 0, len(list.Channels))
	for _, ch := range list.Channels {
		at := agentbridge.FormatTime(ch.LastAt)
		f.sayf("%s: %s, last %s", quote(ch.Name), plural(ch.Count, "message"), at)
		lines = append(lines, channelLine{ch.Name, ch.Count, at})
	}
	sayNext(f, list.Next)
	return &reply{text: f.String(), data: struct {
		Channels      []channelLine `json:"channels"`
		TotalChannels int64         `json:"total_channels"`
		TotalMessages int64         `json:"total_messages"`
		NextChannel   *string       `json:"next_channel"`
	}{lines, list.TotalChannels, list.TotalMessages, orNull(list.Next)}}, nil
}

func sayNext(f *fence, next agentbridge.ChannelName) {
	if next != "" {
		f.sayf("More follow: call again with after_channel %s.", quote(next))
	}
}

func bridgePing(ctx context.Context, c *invocation) (*reply, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	h, err := s.Ping(ctx)
	if err != nil {
		return nil, err
	}
	f := newFence()
	f.sayf("%s %s is up: %s, %s.", agentbridge.Service, agentbridge.Version, plural(h.Channels, "channel"), plural(h.Messages, "message"))
	return &reply{text: f.String(), data: struct {
		Service    string `json:"service"`
		Version    string `json:"version"`
		Channels   int64  `json:"channels"`
		Messages   int64  `json:"messages"`
		ServerTime string `json:"server_time"`
	}{agentbridge.Service, agentbridge.Version, h.Channels, h.Messages, agentbridge.FormatTime(h.Time)}}, nil
}

func bridgeClear(ctx context.Context, c *invocation) (*reply, error) {
	channel := c.args.channel()
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	cleared, err := s.Clear(ctx, channel)
	if err != nil {
		return nil, err
	}
	f := newFence()
	f.sayf("Cleared %s from %s.", plural(cleared, "message"), quote(channel))
	return &reply{text: f.String(), data: struct {
		Channel agentbridge.ChannelName `json:"channel"`
		Cleared int64                   `json:"cleared"`
	}{channel, cleared}}, nil
}

// previewLength is how much of a message bridge_status shows as text.
const previewLength = 120

func bridgeStatus(ctx context.Context, c *invocation) (*reply, error) {
	perChannel := c.args.integer("per_channel", 5, -1<<31, 1<<31-1) // any integer: the engine brings it into bounds
	after := c.afterChannel()
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	o, err := s.Overview(ctx, after, perChannel, statusBytes)
	if err != nil {
		return nil, err
	}
	type view struct {
		Channel  agentbridge.ChannelName `json:"channel"`
		Total    int64                   `json:"total"`
		Messages []record                `json:"messages"`
	}
	views := make([]view, 0, len(o.Channels))
	f := newFence()
	switch {
	case len(o.Channels) > 0:
		f.warn()
	case after != "":
		f.sayf("No further channel holds messages.")
	default:
		f.sayf("No channel holds messages.")
	}
	for _, ch := range o.Channels {
		views = append(views, view{ch.Name, ch.Total, records(ch.Messages)})
		f.sayf("%s: %s in total", quote(ch.Name), plural(ch.Total, "message"))
		for _, m := range ch.Messages {
			f.block(messageTitle(m), agentbridge.InertLine(agentbridge.Preview(m.Content, previewLength)))
		}
	}
	sayNext(f, o.Next)
	return &reply{text: f.String(), data: struct {
		Channels    []view  `json:"channels"`
		NextChannel *string `json:"next_channel"`
	}{views, orNull(o.Next)}}, nil
}
