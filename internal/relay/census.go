package relay

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// Who does not see all channels has them looked through one by one, which is
// much work where there are many. It can't be had as often as anybody likes, and
// leaves everybody else a place to read.

const (
	// maxWalks is how many may look through the channels at once: fewer than the
	// store lets read.
	maxWalks = 2
	// exactUpTo is how many channels are counted for whoever asks. Where there
	// are more, what was counted stands for countedEvery.
	exactUpTo    = 1000
	countedEvery = time.Second
	// maxCounted bounds what is remembered, in sets of scopes.
	maxCounted = 1000
)

// census is how many channels are seen, and their messages.
type census struct {
	channels, messages int64
	at                 time.Time
}

// surveyor counts channels and remembers how many they were.
type surveyor struct {
	walks chan struct{} // holds one for each walk that is under way

	mu      sync.Mutex        // guards counted
	counted map[string]census // by what was seen
}

func newSurveyor() surveyor {
	return surveyor{walks: make(chan struct{}, maxWalks), counted: map[string]census{}}
}

// walk is a View for looking through the channels.
func (r *Relay) walk(ctx context.Context, see sight, f func(store.Reader) error) error {
	if !see.all {
		select {
		case r.surveyor.walks <- struct{}{}:
			defer func() { <-r.surveyor.walks }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return r.store.View(ctx, f)
}

// totals counts the channels that a principal sees, and their messages.
func (r *Relay) totals(ctx context.Context, see sight) (n census, err error) {
	if n, ok := r.surveyor.recall(see); ok {
		return n, nil
	}
	err = r.walk(ctx, see, func(v store.Reader) error {
		n, err = r.surveyor.count(ctx, v, see)
		return err
	})
	return n, err
}

// recall returns what was counted lately.
func (s *surveyor) recall(see sight) (census, bool) {
	if see.all {
		return census{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.counted[see.key()]
	age := time.Since(n.at)
	return n, ok && age >= 0 && age < countedEvery
}

func (s *surveyor) keep(see sight, n census) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.counted) >= maxCounted {
		clear(s.counted) // most of it is old
	}
	n.at = time.Now()
	s.counted[see.key()] = n
}

// count is totals in a walk.
func (s *surveyor) count(ctx context.Context, v store.Reader, see sight) (n census, err error) {
	if see.all {
		n.channels, n.messages, err = v.Totals()
		return n, err
	}
	if n, ok := s.recall(see); ok { // it was counted while this walk waited
		return n, nil
	}
	passed, err := seen(ctx, v, "", see, func(_ store.Channel, t store.Tally) (bool, error) {
		n.channels++
		n.messages += t.Messages
		return true, nil
	})
	if err == nil && passed > exactUpTo {
		s.keep(see, n)
	}
	return n, err
}

// seen is v.Channels for those that a principal sees, until ctx ends. It returns
// how many it passed, seen or not.
func seen(ctx context.Context, v store.Reader, after agentbridge.ChannelName, see sight, f func(store.Channel, store.Tally) (bool, error)) (passed int, err error) {
	if !see.all && see.key() == "" {
		return 0, nil
	}
	err = v.Channels(after, func(c store.Channel, t store.Tally) (bool, error) {
		passed++
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case !see.of(c.Name):
			return true, nil
		}
		return f(c, t)
	})
	return passed, err
}

// key names what a sight lets see, "" if that is nothing.
func (s sight) key() string {
	if !permits(s.who, opRead) {
		return ""
	}
	var b strings.Builder
	for _, scope := range s.who.Scopes {
		if scope.Verb == agentbridge.VerbRead {
			fmt.Fprintf(&b, "%q", scope.Pattern)
		}
	}
	return b.String()
}
