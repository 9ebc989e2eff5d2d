package relay

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// listBytes bounds a channel listing, less what stands around it.
const listBytes = agentbridge.MaxReplyBytes - 4<<10

// Channels implements agentbridge.Session.
func (s *session) Channels(ctx context.Context, q agentbridge.ChannelQuery) (list agentbridge.ChannelList, err error) {
	if err := s.may(ctx, opList, ""); err != nil {
		return list, err
	}
	see := s.sight()
	err = s.relay.walk(ctx, see, func(v store.Reader) error {
		total, err := s.relay.surveyor.count(ctx, v, see)
		if err != nil {
			return err
		}
		list, err = channels(ctx, v, q, see)
		list.TotalChannels, list.TotalMessages = total.channels, total.messages
		return err
	})
	return list, err
}

func channels(ctx context.Context, v store.Reader, q agentbridge.ChannelQuery, see sight) (list agentbridge.ChannelList, err error) {
	left := q.MaxBytes
	if left <= 0 {
		left = listBytes
	}
	_, err = seen(ctx, v, q.After, see, func(c store.Channel, t store.Tally) (bool, error) {
		line := agentbridge.ChannelInfo{Name: c.Name, Count: t.Messages, LastAt: t.LastAt}
		if q.Senders {
			if line.Senders, err = v.Senders(c, agentbridge.MaxSenders); err != nil {
				return false, err
			}
		}
		if left -= line.WireSize(); left < 0 && len(list.Channels) > 0 {
			list.Next = list.Channels[len(list.Channels)-1].Name
			return false, nil
		}
		list.Channels = append(list.Channels, line)
		return true, nil
	})
	return list, err
}

// Overview implements agentbridge.Session.
func (s *session) Overview(ctx context.Context, after agentbridge.ChannelName, perChannel, maxBytes int) (o agentbridge.Overview, err error) {
	if err := s.may(ctx, opList, ""); err != nil {
		return o, err
	}
	span := spanOf(agentbridge.ReadRequest{Limit: min(max(perChannel, 1), agentbridge.MaxPerChannel), MaxBytes: maxBytes})
	see := s.sight()
	err = s.relay.walk(ctx, see, func(v store.Reader) error {
		o, err = overview(ctx, v, after, span, see)
		return err
	})
	return o, err
}

// overview stops at the first channel whose newest messages don't fit any
// more: it is shown whole in the next call, or not at all.
func overview(ctx context.Context, v store.Reader, after agentbridge.ChannelName, span store.Span, see sight) (o agentbridge.Overview, err error) {
	left := span.MaxBytes
	_, err = seen(ctx, v, after, see, func(c store.Channel, t store.Tally) (bool, error) {
		page, _, err := v.Newest(c, 0, span)
		if err != nil {
			return false, err
		}
		for _, m := range page {
			left -= m.WireSize()
		}
		if left < 0 && len(o.Channels) > 0 {
			o.Next = o.Channels[len(o.Channels)-1].Name
			return false, nil
		}
		o.Channels = append(o.Channels, agentbridge.ChannelView{Name: c.Name, Total: t.Messages, Messages: page})
		return true, nil
	})
	return o, err
}

// Ping implements agentbridge.Session.
func (s *session) Ping(ctx context.Context) (h agentbridge.Health, err error) {
	if err := s.may(ctx, opPing, ""); err != nil {
		return h, err
	}
	total, err := s.relay.totals(ctx, s.sight())
	if err != nil {
		return h, err
	}
	h.Channels, h.Messages = total.channels, total.messages
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		h.Checkpoint, _, err = v.LastCheckpoint()
		return err
	})
	h.Time = time.Now()
	return h, err
}
