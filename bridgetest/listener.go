package bridgetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// patience is how long a test waits for what must happen before it fails.
const patience = 30 * time.Second

// Listener is a feed in a test, whose Want method ends the test, so it belongs
// in the test's own goroutine.
type Listener struct {
	agentbridge.Feed
	t    testing.TB
	call string
	held []agentbridge.Event // returned by Next, not yet wanted
}

// MustFollow follows a channel until the test ends.
func (a *Agent) MustFollow(channel agentbridge.ChannelName, after agentbridge.Position) *Listener {
	a.t.Helper()
	feed, err := a.Follow(a.t.Context(), channel, after)
	return a.listen(fmt.Sprintf("Follow(%s, %q)", channel, after), feed, err)
}

// MustWatch watches channels until the test ends.
func (a *Agent) MustWatch(after agentbridge.Position, channels ...agentbridge.ChannelName) *Listener {
	a.t.Helper()
	feed, err := a.Watch(a.t.Context(), channels, after)
	return a.listen(fmt.Sprintf("Watch(%s, %q)", channels, after), feed, err)
}

func (a *Agent) listen(call string, feed agentbridge.Feed, err error) *Listener {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("%s = %v", call, err)
	}
	a.t.Cleanup(feed.Close)
	return &Listener{Feed: feed, t: a.t, call: call}
}

// Want checks what happens next, in as many batches as it takes; each event is
// told as [Tell] does.
func (l *Listener) Want(want ...string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	var got []string
	for len(got) < len(want) {
		for len(l.held) > 0 && len(got) < len(want) {
			got = append(got, Tell(l.held[0]))
			l.held = l.held[1:]
		}
		if len(got) == len(want) {
			break
		}
		b, err := l.Next(ctx)
		if err != nil {
			l.t.Fatalf("Next() of %s = %v after %q, want %q", l.call, err, got, want)
		}
		if len(b.Events) == 0 || len(b.Events) > agentbridge.MaxBatch || b.Next != l.Position() {
			l.t.Fatalf("Next() of %s = %d events, next %q, position %q", l.call, len(b.Events), b.Next, l.Position())
		}
		l.held = append(l.held, b.Events...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Fatalf("Next() of %s: -want +got\n%s", l.call, diff)
	}
}

// Tell is an event in few words: its channel, then what a message says, or the
// kind and the number of messages that went.
func Tell(e agentbridge.Event) string {
	switch e.Kind {
	case agentbridge.EventMessage:
		return fmt.Sprintf("%s: %s", e.Channel, agentbridge.Preview(e.Message.Content, 80))
	case agentbridge.EventCleared, agentbridge.EventExpired:
		return fmt.Sprintf("%s: %s %d", e.Channel, e.Kind, e.Removed)
	case agentbridge.EventReset:
		return string(e.Kind)
	}
	return fmt.Sprintf("%s: %s", e.Channel, e.Kind)
}
