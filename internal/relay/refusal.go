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

// noted makes an entry that is to be written.
type noted func() agentbridge.Entry

// NoteRefusal writes down that the boundary turned a request away: the first
// of its kind from an address in a minute. It never blocks.
func (r *Relay) NoteRefusal(x agentbridge.Refusal) {
	now := time.Now()
	write, leftOut := r.denials.count(attempt{reason: string(x.Action) + " " + x.Address}, now)
	if !write {
		return
	}
	r.noteLater(func() agentbridge.Entry {
		path := agentbridge.Preview(r.intake.text(x.Path, &changes{}), maxPath)
		return agentbridge.Entry{At: now, Actor: unverified, Action: x.Action,
			Detail: detail(map[string]any{"ip": x.Address, "path": path, "not_written_before": leftOut})}
	})
}

// noteLater has an entry written. It never blocks.
func (r *Relay) noteLater(n noted) {
	select {
	case r.refusals <- n:
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
				r.note(n())
			}
		}
	}
}

func (r *Relay) note(e agentbridge.Entry) {
	err := r.store.Update(context.Background(), func(t store.Tx) error { return t.Log(e) })
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		r.log.Error("a refusal could not be written to the audit log", "action", e.Action, "error", err)
	}
}
