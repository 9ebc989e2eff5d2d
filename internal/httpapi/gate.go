package httpapi

import (
	"strconv"
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
	agents   map[agentbridge.AgentName]int // "" being all those without a name
}

// retryStream is when a stream that found no place may ask again.
const retryStream = 5 * time.Second

// maxPerAgent is how many places one agent may hold: a quarter, so that it can't
// use up all of them.
func (g *gate) maxPerAgent() int { return max(1, g.maxTotal/4) }

// enter takes a place, which leave gives back. The cap of a channel is looked
// at first, so that one busy channel is told so and can't use up all places. A
// stream that belongs to no single channel passes "", and so does somebody who
// is known by no name: those without one share all places.
func (g *gate) enter(agent agentbridge.AgentName, channel agentbridge.ChannelName) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if channel != "" && g.channels[channel] >= g.maxPerChannel {
		return nil, noPlace("channel '" + string(channel) + "' has reached its subscriber cap")
	}
	if agent != "" && g.agents[agent] >= g.maxPerAgent() {
		return nil, noPlace("you have reached your share of " + strconv.Itoa(g.maxPerAgent()) + " open streams; close one, or read several channels on one stream of /api/events")
	}
	if g.total >= g.maxTotal {
		return nil, noPlace("server subscriber cap reached")
	}
	if g.channels == nil {
		g.channels = map[agentbridge.ChannelName]int{}
		g.agents = map[agentbridge.AgentName]int{}
	}
	g.total++
	g.channels[channel]++
	g.agents[agent]++
	return func() { g.leave(agent, channel) }, nil
}

func noPlace(text string) error {
	return &agentbridge.Error{Code: agentbridge.Busy, Message: text, RetryAfter: retryStream}
}

func (g *gate) leave(agent agentbridge.AgentName, channel agentbridge.ChannelName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.channels[channel]--; g.channels[channel] == 0 {
		delete(g.channels, channel)
	}
	if g.agents[agent]--; g.agents[agent] == 0 {
		delete(g.agents, agent)
	}
}

// count returns how many streams are open.
func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}
