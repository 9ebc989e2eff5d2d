package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"agentbridge"
	"agentbridge/internal/bell"
	"agentbridge/internal/store"
)

const (
	// maxBehind is how many entries a Watch catches up with. Whoever is further
	// behind is faster if it reads the state anew.
	maxBehind = 100_000
	// watchBatch is how many entries a look reads.
	watchBatch = 500
)

// watcher implements agentbridge.Feed for several channels. It reads the audit
// log, in which every change of every channel stands in the order of the
// commits; its position is the number of an entry.
type watcher struct {
	relay *Relay
	see   sight
	only  map[agentbridge.ChannelName]struct{} // nil: all that it sees
	ear   *bell.Ear[agentbridge.ChannelName]
	at    int64 // behind this entry
	reset bool  // yet to be told
}

// Watch implements agentbridge.Session.
func (s *session) Watch(ctx context.Context, channels []agentbridge.ChannelName, after agentbridge.Position) (agentbridge.Feed, error) {
	if err := s.mayWatch(ctx, channels); err != nil {
		return nil, err
	}
	w := &watcher{relay: s.relay, see: s.sight(), ear: s.relay.bell.Listen(channels...)} // it hears before it looks
	if len(channels) > 0 {
		w.only = map[agentbridge.ChannelName]struct{}{}
	}
	for _, c := range channels {
		w.only[c] = struct{}{}
	}
	if err := s.relay.store.View(ctx, func(v store.Reader) error { return w.begin(v, after) }); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// mayWatch asks for each channel that is named. Who names none is shown what it
// may read.
func (s *session) mayWatch(ctx context.Context, channels []agentbridge.ChannelName) error {
	if len(channels) == 0 {
		return s.may(ctx, opWatch, "")
	}
	for _, c := range channels {
		if err := s.may(ctx, opRead, c); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) begin(v store.Reader, after agentbridge.Position) error {
	head, err := v.LastEntry()
	if err != nil || after == "" {
		w.at = head
		return err
	}
	if w.at, err = strconv.ParseInt(string(after), 10, 64); err != nil || w.at < 0 {
		return agentbridge.Refuse(agentbridge.InvalidFormat, "since_seq", "is not a position of this feed; leave it out to begin now")
	}
	known := w.at <= head && head-w.at <= maxBehind
	if known && w.at < head {
		next, err := v.EntriesAfter(w.at, 1)
		if err != nil {
			return err
		}
		known = len(next) == 1 && time.Since(next[0].At) <= w.relay.eventAge
	}
	if !known {
		w.at, w.reset = head, true
	}
	return nil
}

// Next implements agentbridge.Feed.
func (w *watcher) Next(ctx context.Context) (batch agentbridge.Batch, err error) {
	if w.reset {
		w.reset = false
		return agentbridge.Batch{Events: []agentbridge.Event{{Kind: agentbridge.EventReset}}, Next: w.Position()}, nil
	}
	for {
		if err := ended(w.see.who); err != nil {
			return batch, err
		}
		next := *w // moves only if all went well
		err := w.relay.store.View(ctx, func(v store.Reader) (err error) {
			batch, err = next.look(v)
			return err
		})
		if err != nil {
			return agentbridge.Batch{}, err
		}
		moved := next.at > w.at
		if *w = next; len(batch.Events) > 0 {
			return batch, nil
		}
		if moved {
			continue // what it read was not for us; there may be more
		}
		if err := w.relay.hear(ctx, w.see.who, w.ear); err != nil {
			return batch, err
		}
	}
}

func (w *watcher) look(v store.Reader) (batch agentbridge.Batch, err error) {
	entries, err := v.EntriesAfter(w.at, watchBatch)
	if err != nil {
		return batch, err
	}
	at, bytes := w.at, 0
	for _, e := range entries {
		event, ok, err := w.event(v, e)
		if err != nil {
			return agentbridge.Batch{}, err
		}
		if ok {
			if bytes += event.Message.WireSize(); len(batch.Events) == agentbridge.MaxBatch || bytes > agentbridge.MaxReplyBytes && len(batch.Events) > 0 {
				batch.More = true
				break
			}
			batch.Events = append(batch.Events, event)
		}
		at = e.Seq
	}
	batch.More = batch.More || w.see.all && len(entries) == watchBatch // to others it would tell what else goes on
	w.at = at
	batch.Next = w.Position()
	return batch, nil
}

// event is what an entry tells watchers, if it is for them. A message that has
// been removed since is left out; its removal has an entry too.
func (w *watcher) event(v store.Reader, e agentbridge.Entry) (event agentbridge.Event, ok bool, err error) {
	if _, wanted := w.only[e.Target]; w.only != nil && !wanted || e.Target.Private() || !w.see.of(e.Target) {
		return event, false, nil
	}
	var about struct {
		ID agentbridge.MessageID `json:"id"`
		removal
	}
	switch e.Action {
	case agentbridge.ActionSend, agentbridge.ActionClear, agentbridge.ActionExpire:
		if err := json.Unmarshal(e.Detail, &about); err != nil {
			return event, false, fmt.Errorf("audit entry %d: %w", e.Seq, err)
		}
	}
	event.Channel = e.Target
	switch e.Action {
	case agentbridge.ActionSend:
		event.Kind = agentbridge.EventMessage
		event.Message, _, ok, err = v.Message(about.ID)
		return event, ok, err
	case agentbridge.ActionClear:
		event.Kind, event.Removed = agentbridge.EventCleared, about.Cleared
	case agentbridge.ActionExpire:
		event.Kind, event.Removed = agentbridge.EventExpired, about.Expired
	}
	return event, event.Removed > 0, nil
}

// Position implements agentbridge.Feed.
func (w *watcher) Position() agentbridge.Position {
	return agentbridge.Position(strconv.FormatInt(w.at, 10))
}

// Close implements agentbridge.Feed.
func (w *watcher) Close() { w.ear.Close() }
