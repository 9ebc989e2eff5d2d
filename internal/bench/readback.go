package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"agentbridge"
)

// readAll reads a channel from its beginning into a reading. It fails if that
// has no end: if there are far more messages than the ledger knows of.
func readAll(ctx context.Context, a Agent, channel string, l *Ledger, into *Reading) error {
	return readOn(ctx, a, channel, "", l, into)
}

// readOn is readAll behind a message.
func readOn(ctx context.Context, a Agent, channel, after string, l *Ledger, into *Reading) error {
	most := 2*inLedger(l) + 1000
	for n := int64(0); ; {
		page, err := a.Read(ctx, channel, after, 500)
		if err != nil {
			return fmt.Errorf("read the channel %s back: %w", channel, err)
		}
		if len(page) == 0 {
			return nil
		}
		for _, m := range page {
			into.Add(l, m)
		}
		after = page[len(page)-1].ID
		if n += int64(len(page)); n > most {
			return errors.New("the channel " + channel + " does not end: more messages come back than were sent")
		}
	}
}

// inLedger is how many messages may be there: acknowledged or only tried.
func inLedger(l *Ledger) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.acked) + len(l.tried))
}

// mark sends a message that belongs to nobody's letters: one to begin or to end
// with. It is not measured, so a limit on sending is waited for.
func mark(ctx context.Context, a Agent, channel, text string) (id string, err error) {
	for end := time.Now().Add(graceTime); ; {
		id, err = a.Send(ctx, channel, text, "")
		if agentbridge.CodeOf(err) != agentbridge.RateLimited {
			return id, err
		}
		wait, _ := retryAfter(err)
		if time.Now().Add(wait).After(end) || pause(ctx, wait) != nil {
			return id, err
		}
	}
}

// outcome notes how a send ended.
func (l *Ledger) outcome(content, id string, err error) {
	if err != nil {
		l.Unknown(content)
		return
	}
	l.Acked(content, id)
}

// missing is how many acknowledged letters of some senders are not in a reading;
// nil means all senders.
func (l *Ledger) missing(r *Reading, mine func(sender int) bool) (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range l.acked {
		if _, sender, _, _ := parseText(text); mine == nil || mine(sender) {
			if _, ok := r.ids[text]; !ok {
				n++
			}
		}
	}
	return n
}

// clear removes what a scenario left on a server that goes on after it. Ours
// is thrown away with its database, and clearing it would only burden what is
// measured next.
func (r *Run) clear(ctx context.Context, a Agent, door Door, channels ...string) {
	if door == Engine || r.Target.Restart != nil {
		return
	}
	for _, c := range channels {
		if err := a.Clear(ctx, c); err != nil {
			r.Progress("the channel %s could not be cleared: %v", c, err)
			return
		}
	}
}
