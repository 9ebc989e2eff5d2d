package httpapi

import (
	"sync"
	"time"

	"agentbridge"
)

// gate counts open streams and keeps them below their caps.
type gate struct {
	maxTotal, maxPerChannel int

	mu       sync.Mutex // guards the counts
	total    int
	channels map[agentbridge.ChannelName]int
}

// retryStream is when a stream that found no place may ask again.
const retryStream = 5 * time.Second

// enter takes a place, which leave gives back. The cap of a channel is looked
// at first, so that one busy channel is told so and can't use up all places. A
// stream that belongs to no single channel passes "".
func (g *gate) enter(channel agentbridge.ChannelName) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if channel != "" && g.channels[channel] >= g.maxPerChannel {
		return nil, noPlace("channel '" + string(channel) + "' has reached its subscriber cap")
	}
	if g.total >= g.maxTotal {
		return nil, noPlace("server subscriber cap reached")
	}
	if g.channels == nil {
		g.channels = map[agentbridge.ChannelName]int{}
	}
	g.total++
	g.channels[channel]++
	return func() { g.leave(channel) }, nil
}

func noPlace(text string) error {
	return &agentbridge.Error{Code: agentbridge.Busy, Message: text, RetryAfter: retryStream}
}

func (g *gate) leave(channel agentbridge.ChannelName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.channels[channel]--; g.channels[channel] == 0 {
		delete(g.channels, channel)
	}
}

// count returns how many streams are open.
func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}
