package httpapi

import (
	"context"
	"net/http"

	"agentbridge"
	"agentbridge/internal/wire"
)

// channelStream is GET /events/channel/<name>. An error means that it did not
// begin.
func (s *Server) channelStream(w http.ResponseWriter, r *http.Request, q params, name string) error {
	channel, err := agentbridge.ParseChannelName(name)
	if err != nil {
		return err
	}
	given := resumeFrom(r, q, "since_id")
	return s.follow(w, r, channel, func(ctx context.Context, session agentbridge.Session) (agentbridge.Feed, error) {
		return session.Follow(ctx, channel, given)
	}, func(ctx context.Context, st *stream, feed agentbridge.Feed) error {
		positions := q.flag("positions")
		if given == "" && positions { // so that a reader that sees nothing yet can resume too
			if err := st.write(func(f *frames) { f.position(feed.Position()) }); err != nil {
				return err
			}
		}
		view := channelView{stream: st, given: given, positions: positions, replaying: given != "", left: s.opts.ReplayLimit}
		return st.pump(ctx, feed, view.show)
	})
}

// resumeFrom is the cursor of a reader: the header that a reconnecting
// EventSource sends, else the parameter.
func resumeFrom(r *http.Request, q params, parameter string) agentbridge.Position {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return agentbridge.Position(id)
	}
	return agentbridge.Position(q.get(parameter))
}

// channelView shows one channel on a stream. While it replays the past it
// counts, and ends the stream after so many messages: the next connection goes
// on behind them.
type channelView struct {
	*stream
	given     agentbridge.Position
	positions bool // the reader knows what a position frame is; readers of reference B's streams don't
	replaying bool
	left      int // messages that may still be replayed
}

func (v *channelView) show(b agentbridge.Batch) (enough bool, err error) {
	err = v.write(func(f *frames) { enough = v.fill(f, b) })
	return enough, err
}

func (v *channelView) fill(f *frames, b agentbridge.Batch) (enough bool) {
	moved := false // the reader's cursor stands behind the batch
	for _, e := range b.Events {
		if e.Kind == agentbridge.EventMessage && v.replaying {
			if v.left == 0 {
				f.event(wire.EventTruncated, "", wire.Truncated{Limit: v.server.opts.ReplayLimit})
				return true
			}
			v.left--
		}
		moved = v.event(f, e)
	}
	if !moved && v.positions {
		f.position(b.Next)
	}
	v.replaying = v.replaying && b.More
	if v.replaying && v.left == 0 {
		f.event(wire.EventTruncated, "", wire.Truncated{Limit: v.server.opts.ReplayLimit})
		return true
	}
	return false
}

// event adds one event. Only a message moves the cursor by itself.
func (v *channelView) event(f *frames, e agentbridge.Event) (moved bool) {
	switch e.Kind {
	case agentbridge.EventMessage:
		m := e.Message
		f.event(wire.EventMessage, agentbridge.Position(m.ID), wire.StreamMessage{Seq: m.Seq, ID: m.ID, Channel: m.Channel,
			Sender: m.Sender, Verified: m.Verified, Content: m.Content, Timestamp: agentbridge.FormatTime(m.At), Encoding: m.Encoding})
		return true
	case agentbridge.EventCleared:
		f.event(wire.EventClear, "", wire.Cleared{Channel: e.Channel, Cleared: e.Removed})
	case agentbridge.EventExpired:
		f.event(wire.EventExpired, "", wire.ExpiredMessages{Channel: e.Channel, Expired: e.Removed})
	case agentbridge.EventStale:
		f.event(wire.EventStale, "", wire.StaleCursor{SinceID: string(v.given)})
	}
	return false
}
