package httpapi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// status is GET /status: that the bridge is there, and nothing about what it
// holds, for everybody may ask.
func status(context.Context, *call) (any, error) {
	return wire.Status{Service: agentbridge.Service, Status: "online", Version: agentbridge.Version,
		ServerTime: agentbridge.FormatTime(time.Now())}, nil
}

// ping is GET /api/ping.
func ping(ctx context.Context, c *call) (any, error) {
	h, err := c.session.Ping(ctx)
	return wire.HealthOf(h), err
}

// maxState bounds the channels in a State, in bytes; the rest is behind
// next_channel.
const maxState = 4 << 20

// state is GET /api/state. It takes two looks at the store, however many
// channels there are.
func state(ctx context.Context, c *call) (any, error) {
	after, err := c.query.afterChannel()
	if err != nil {
		return nil, err
	}
	list, err := c.session.Channels(ctx, agentbridge.ChannelQuery{After: after, Senders: true, MaxBytes: maxState})
	if err != nil {
		return nil, err
	}
	health, err := c.session.Ping(ctx)
	if err != nil {
		return nil, err
	}
	s, now := c.server, time.Now()
	up := now.Sub(s.started)
	out := wire.State{
		Service: agentbridge.Service, Status: "online", Version: agentbridge.Version,
		UptimeSeconds: int64(up.Seconds()), UptimeHuman: clock(up),
		TotalMessages: list.TotalMessages, TotalChannels: list.TotalChannels,
		Channels: make([]wire.StateChannel, 0, len(list.Channels)), NextChannel: string(list.Next),
		SSESubscribers: int64(s.gate.count()), SSEDroppedEvents: s.dropped.Load(),
		RetentionDays: s.opts.RetentionDays, AuditEnabled: s.opts.Audit, AuditCheckpoint: wire.OrNull(health.Checkpoint.Note),
		ServerTime: agentbridge.FormatTime(now),
	}
	for _, info := range list.Channels {
		out.Channels = append(out.Channels, stateChannel(info))
	}
	return out, nil
}

func stateChannel(c agentbridge.ChannelInfo) wire.StateChannel {
	group, name, _ := strings.Cut(string(c.Name), ":")
	if name == "" {
		group, name = "", string(c.Name)
	}
	senders := c.Senders
	if senders == nil {
		senders = []agentbridge.AgentName{} // a list, not null
	}
	return wire.StateChannel{ID: c.Name, Group: group, Name: name, Count: c.Count,
		LastTS: c.LastAt.UTC().Format(time.TimeOnly), LastTSFull: agentbridge.FormatTime(c.LastAt), Senders: senders}
}

// clock writes a duration as HH:MM:SS, with as many hours as it takes.
func clock(d time.Duration) string {
	s := int64(d.Seconds())
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// channels is GET /api/channels.
func channels(ctx context.Context, c *call) (any, error) {
	after, err := c.query.afterChannel()
	if err != nil {
		return nil, err
	}
	bound, err := c.query.maxBytes(0)
	if err != nil {
		return nil, err
	}
	list, err := c.session.Channels(ctx, agentbridge.ChannelQuery{After: after, Senders: c.query.flag("senders"), MaxBytes: bound})
	return wire.ChannelsOf(list), err
}

// defaultPerChannel is how many messages an overview shows of each channel
// unless told.
const defaultPerChannel = 5

// overview is GET /api/overview.
func overview(ctx context.Context, c *call) (any, error) {
	after, err := c.query.afterChannel()
	if err != nil {
		return nil, err
	}
	bound, err := c.query.maxBytes(0)
	if err != nil {
		return nil, err
	}
	perChannel := c.query.clamped("per_channel", defaultPerChannel, 1, agentbridge.MaxPerChannel)
	o, err := c.session.Overview(ctx, after, perChannel, bound)
	return wire.OverviewOf(o), err
}
