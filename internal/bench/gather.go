package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// streams gathers an audience of n event streams. If the bridge admits fewer,
// those are the audience; none is an error.
func (r *Run) streams(ctx context.Context, door Door, n int, channel string) (*audience, error) {
	if err := room(n, 2*filesOf(door)); err != nil { // a stream is a connection of its own
		return nil, err
	}
	a, err := r.audience(ctx, door, n, channel)
	if err != nil {
		return nil, err
	}
	for i, l := range a.listeners {
		follower, ok := l.agent.(Follower)
		if !ok {
			err = fmt.Errorf("agents through %s can not follow", door)
		} else if l.stream, err = follower.Follow(ctx, channel); err == nil {
			continue
		}
		if i == 0 {
			a.leave()
			return nil, err
		}
		for _, left := range a.listeners[i:] {
			leave([]Agent{left.agent})
		}
		a.listeners, a.refused = a.listeners[:i], err
		break
	}
	return a, nil
}

// waiters gathers an audience of n agents that wait for the next message, again
// and again, and a sender that pauses before each message.
//
// The pause is there so that the waits have been called when the message is
// sent; from outside nobody can see whether they block already. One that does
// not yet gets its message all the same when it is called, and its figure then
// says how long it took to call.
func (r *Run) waiters(ctx context.Context, door Door, n int, channel string) (*audience, error) {
	a, err := r.audience(ctx, door, n, channel)
	if err != nil {
		return nil, err
	}
	first, err := mark(ctx, a.sender, channel, beginMark) // waits begin behind a message
	if err != nil {
		a.leave()
		return nil, err
	}
	for _, l := range a.listeners {
		l.after = first
	}
	a.pause = func() time.Duration { // 2 to 10 ms, and for many waiters more
		return time.Duration((2 + rand.Float64()*8) * float64(1+n/25) * float64(time.Millisecond))
	}
	return a, nil
}

func (r *Run) audience(ctx context.Context, door Door, n int, channel string) (*audience, error) {
	agents, err := r.Enter(ctx, door, n+1)
	if err != nil {
		return nil, err
	}
	a := &audience{run: r, channel: channel, ledger: NewLedger(r.ID), sender: agents[0]}
	for _, agent := range agents[1:] {
		a.listeners = append(a.listeners, &member{agent: agent})
	}
	return a, nil
}

// leave ends all connections.
func (a *audience) leave() {
	for _, l := range a.listeners {
		if l.stream != nil {
			_ = l.stream.Close()
		}
		leave([]Agent{l.agent})
	}
	leave([]Agent{a.sender})
}
