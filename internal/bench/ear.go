package bench

import (
	"context"
	"sync"
	"time"
)

// ear listens to a channel until its endMark.
type ear struct {
	channel string
	ledger  *Ledger
	stream  Stream
	cancel  context.CancelFunc
	done    chan struct{} // closed when it listens no more; the fields below are its own until then
	once    sync.Once

	after string
	got   Reading
	broke error // why it did not hear the end
}

// listen lets a person listen to its channel.
func (p *person) listen(ctx context.Context, s Stream) {
	ctx, cancel := context.WithCancel(ctx)
	p.ear = &ear{channel: p.channel(), ledger: p.day.ledger, stream: s, cancel: cancel, done: make(chan struct{})}
	go p.ear.run(ctx)
}

func (e *ear) run(ctx context.Context) {
	defer close(e.done)
	for {
		m, err := e.stream.Next(ctx)
		if err != nil {
			e.broke = err
			return
		}
		e.after = m.ID
		e.got.Add(e.ledger, m)
		if m.Content == endMark {
			return
		}
	}
}

// lastTime is how long the last message may be on its way to one who listens.
const lastTime = 10 * time.Second

// finish waits for the end. Whose stream broke knows it, and a client would go
// on reading where it was; so do we.
func (e *ear) finish(ctx context.Context, a Agent) error {
	late := time.NewTimer(lastTime)
	defer late.Stop()
	select {
	case <-e.done:
	case <-late.C:
		e.close() // what did not come by now is lost
		e.broke = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.broke == nil {
		return nil
	}
	return readOn(ctx, a, e.channel, e.after, e.ledger, &e.got)
}

// close ends the stream and waits for who listens.
func (e *ear) close() {
	e.once.Do(func() {
		e.cancel()
		_ = e.stream.Close()
		<-e.done
	})
}
