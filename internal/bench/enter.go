package bench

import (
	"context"
	"crypto/rand"

	"agentbridge"
)

// Enter opens one agent through a door, after a look at whether the target is
// what it says. An agent's calls last at most a minute, and those that wait as
// long as they may beyond that. A call whose context ends fails, and the agent
// goes on; but what an answer that nobody waited for handed out is gone.
//
// Errors are *agentbridge.Error: Unreachable if nobody answers there or somebody
// who is no bridge, and Unauthenticated if the token is refused. They don't show
// the token.
func (t *Target) Enter(ctx context.Context, door Door, name string) (Agent, error) {
	switch {
	case door == Engine && t.Bridge != nil:
		return t.enterEngine(ctx, name)
	case door == HTTP && t.URL != "":
		return t.enterHTTP(ctx, name)
	case door == MCP && t.URL != "":
		return t.enterMCP(ctx, name)
	case door == Stdio && t.Stdio != nil:
		return t.enterStdio(ctx, name)
	}
	return nil, agentbridge.Refuse(agentbridge.InvalidValue, "door", "%q is none that %s has; choose one of %v", door, t.Name, t.Doors())
}

// consumerOf makes a name to read under of which no bridge has heard, and so one
// that stands at the beginning of every channel. It is below the agent's own
// name: one with a token of its own may use no other.
func consumerOf(name string) string { return name + "/" + rand.Text()[:8] }

// foreignPage is how many messages are asked for at a time where pages are not
// bounded by bytes, so that the largest ones fit into an answer.
const foreignPage = 50

// collect reads pages behind a message until it has limit of them or there are
// no more: whoever asked for limit takes less for the end, and bridges bound
// what they answer at once by bytes too. They tell when there is more; a foreign
// one does not, and is asked for less at a time instead.
func collect(after string, limit int, foreign bool, read func(after string, limit int) (page []Message, more bool, err error)) ([]Message, error) {
	var all []Message
	for {
		ask := limit - len(all)
		if foreign {
			ask = min(ask, foreignPage)
		}
		page, more, err := read(after, ask)
		all = append(all, page...)
		more = more || foreign && len(page) == ask
		if err != nil || !more || len(page) == 0 || len(all) >= limit {
			return all, err
		}
		after = page[len(page)-1].ID
	}
}

// waitLimit is how many messages a wait takes at most.
func waitLimit(foreign bool) int {
	if foreign {
		return foreignPage
	}
	return agentbridge.MaxPage
}
