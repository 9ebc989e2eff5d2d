package mcpserver

import (
	"context"

	"agentbridge"
	"agentbridge/internal/wire"
)

// afterChannel reads the continuation of a listing.
func (c *invocation) afterChannel() agentbridge.ChannelName {
	s, given := c.args.optional("after_channel")
	if !given {
		return ""
	}
	name, err := agentbridge.ParseListed("after_channel", s)
	return parsed(c.args, name, err)
}

func bridgeChannels(ctx context.Context, c *invocation) (*reply, error) {
	after := c.afterChannel()
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Channels(ctx, agentbridge.ChannelQuery{After: after})
	if err != nil {
		return nil, err
	}
	f := newFence()
	f.sayf("%s, %s in total.", plural(list.TotalChannels, "channel"), plural(list.TotalMessages, "message"))
	for _, ch := range list.Channels {
		f.sayf("%s: %s, last %s", quote(ch.Name), plural(ch.Count, "message"), agentbridge.FormatTime(ch.LastAt))
	}
	sayNext(f, list.Next)
	return &reply{text: f.String(), data: wire.ChannelsOf(list)}, nil
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
	if h.Checkpoint.Note != "" {
		f.sayf("The audit log's last signed checkpoint is of size %d; a later one that is smaller means that history was taken back.", h.Checkpoint.Size)
	}
	return &reply{text: f.String(), data: wire.HealthOf(h)}, nil
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
	return &reply{text: f.String(), data: wire.Cleared{Channel: channel, Cleared: cleared}}, nil
}

// messagesOf are all messages of an overview.
func messagesOf(o agentbridge.Overview) (list []agentbridge.Message) {
	for _, ch := range o.Channels {
		list = append(list, ch.Messages...)
	}
	return list
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
	f := newFence()
	switch {
	case len(o.Channels) > 0:
		f.sayf("The newest messages, by channel.%s", unverifiedOf(messagesOf(o)))
		f.warn()
	case after != "":
		f.sayf("No further channel holds messages.")
	default:
		f.sayf("No channel holds messages.")
	}
	for _, ch := range o.Channels {
		f.sayf("%s: %s in total", quote(ch.Name), plural(ch.Total, "message"))
		for _, m := range ch.Messages {
			begin := agentbridge.Preview(m.Content, previewLength)
			f.block(messageTitle(m)+suspicion(begin), agentbridge.InertLine(begin))
		}
	}
	sayNext(f, o.Next)
	return &reply{text: f.String(), data: overviewOf(o)}, nil
}
