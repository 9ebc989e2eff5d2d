package relay

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

const (
	maxNoted = 64  // refusals that wait to be written; more are dropped
	maxPath  = 200 // code points of a path that are kept
	// maxNotes is how many refusals are written in a denialWindow, whatever
	// addresses they come from: inventing those costs an attacker nothing.
	maxNotes = 100
)

// noted is a refusal to be written.
type noted struct {
	agentbridge.Refusal
	leftOut int64 // like ones that were not
}

// NoteRefusal writes down that the boundary turned a request away: the first
// of its kind from an address in a minute. It never blocks.
func (r *Relay) NoteRefusal(x agentbridge.Refusal) {
	write, leftOut := r.denials.count(attempt{reason: string(x.Action) + " " + x.Address}, time.Now())
	if !write {
		return
	}
	select {
	case r.refusals <- noted{x, leftOut}:
	default: // there are so many that one more would tell nothing new
	}
}

// noteLoop writes refusals until Close.
func (r *Relay) noteLoop() {
	var since time.Time
	left := 0
	for {
		select {
		case <-r.done:
			return
		case n := <-r.refusals:
			if now := time.Now(); now.Sub(since) >= denialWindow {
				since, left = now, maxNotes
			}
			if left--; left >= 0 {
				r.note(n)
			}
		}
	}
}

func (r *Relay) note(n noted) {
	path := r.intake.text(n.Path, &changes{})
	err := r.store.Update(context.Background(), func(t store.Tx) error {
		return t.Log(agentbridge.Entry{At: time.Now(), Actor: unverified, Action: n.Action, Detail: detail(map[string]any{
			"ip": n.Address, "path": agentbridge.Preview(path, maxPath), "not_written_before": n.leftOut})})
	})
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		r.log.Error("a refusal could not be written to the audit log", "action", n.Action, "error", err)
	}
}
