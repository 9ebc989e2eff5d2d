package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// eventStream is GET /api/events: what happens in several channels, in batches.
// An error means that it did not begin.
func (s *Server) eventStream(w http.ResponseWriter, r *http.Request, q params, _ string) error {
	channels, err := topics(q)
	if err != nil {
		return err
	}
	given := resumeFrom(r, q, "since_seq")
	return s.follow(w, r, "", func(ctx context.Context, session agentbridge.Session) (agentbridge.Feed, error) {
		return session.Watch(ctx, channels, given)
	}, func(ctx context.Context, st *stream, feed agentbridge.Feed) error {
		err := st.watch(ctx, feed, given)
		if s.life.Err() != nil || agentbridge.CodeOf(err) == agentbridge.Closed {
			err = st.write(func(f *frames) { f.event(wire.EventBye, "", wire.Bye{Reason: errClosing.Message}) })
		}
		return err
	})
}

// watch shows a feed that was opened at a given position until it ends.
func (st *stream) watch(ctx context.Context, feed agentbridge.Feed, given agentbridge.Position) error {
	if at := feed.Position(); given == "" || given == at { // otherwise a reset says it
		if err := st.write(func(f *frames) { f.position(at) }); err != nil {
			return err
		}
	}
	told := feed.Position()
	st.idle = func(f *frames) { // a position that is left behind by what others do would grow too old
		if at := feed.Position(); at != told {
			f.position(at)
			told = at
			return
		}
		f.ping()
	}
	return st.pump(ctx, feed, func(b agentbridge.Batch) (bool, error) { return false, st.showBatch(ctx, b) })
}

// topics are the channels that are meant, none for all: names in topics,
// separated by commas, and in channel, literally. A "*" means all.
func topics(q params) ([]agentbridge.ChannelName, error) {
	names := slices.Clone(q["channel"])
	for _, list := range q["topics"] {
		for name := range strings.SplitSeq(list, ",") {
			if name == "*" {
				return nil, nil
			}
			if name != "" {
				names = append(names, name)
			}
		}
	}
	var channels []agentbridge.ChannelName
	for _, name := range names {
		channel, err := agentbridge.ParseChannelName(name)
		if err != nil {
			return nil, err
		}
		channels = append(channels, channel)
	}
	slices.Sort(channels)
	return slices.Compact(channels), nil
}

// batchPause is the time between two batches, in which what happens gathers
// for the next one.
const batchPause = 50 * time.Millisecond

// showBatch writes a batch and, if nothing stands behind it yet, lets the next
// one gather. So a lone event goes out at once and a burst in few frames.
func (st *stream) showBatch(ctx context.Context, b agentbridge.Batch) error {
	if err := st.write(func(f *frames) { fillBatch(f, b) }); err != nil || b.More {
		return err
	}
	pause := time.NewTimer(batchPause)
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func fillBatch(f *frames, b agentbridge.Batch) {
	events := make([]wire.Happening, 0, len(b.Events))
	for _, e := range b.Events {
		switch e.Kind {
		case agentbridge.EventReset: // a feed tells it first and alone
			f.event(wire.EventReset, b.Next, wire.Reset{Seq: b.Next})
		case agentbridge.EventMessage:
			record := wire.RecordOf(e.Message)
			events = append(events, wire.Happening{Event: e.Kind, Channel: e.Channel, Record: &record})
		default:
			events = append(events, wire.Happening{Event: e.Kind, Channel: e.Channel, Removed: e.Removed})
		}
	}
	if len(events) > 0 {
		f.event(wire.EventBatch, b.Next, wire.Batch{Seq: b.Next, Events: events})
	}
}
