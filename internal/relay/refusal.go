package relay

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

const (
	maxNoted = 64  // strangers' refusals that wait to be written; more are counted only
	maxPath  = 200 // code points of a path that are kept
	// maxNotes is how many refusals of strangers are written in a denialWindow,
	// whatever addresses they come from: inventing those costs an attacker nothing.
	maxNotes = 100
	// endEvery is how often the noteLoop looks whether a denialWindow has ended.
	endEvery = denialWindow / 6
)

// noted is a stranger's refusal that is to be written. The zero value only wakes
// the noteLoop.
type noted struct {
	attempt
	leftOut int64 // that its entry tells of
	entry   func() agentbridge.Entry
}

// NoteRefusal writes down that the boundary turned a request away: the first
// of its kind from an address in a minute. It never blocks.
func (r *Relay) NoteRefusal(x agentbridge.Refusal) {
	now := time.Now()
	a := attempt{reason: string(x.Action) + " " + x.Address}
	write, leftOut := r.denials.count(a, now)
	if !write {
		return
	}
	n := noted{a, leftOut, func() agentbridge.Entry {
		path := agentbridge.Preview(r.intake.text(x.Path, &changes{}), maxPath)
		return agentbridge.Entry{At: now, Actor: unverified, Action: x.Action,
			Detail: detail(map[string]any{"ip": x.Address, "path": path, "not_written_before": leftOut})}
	}}
	select {
	case r.refusals <- n:
	default: // there are so many that one more would tell nothing new
		r.denials.giveBack(a, leftOut)
	}
}

// wakeNotes has the noteLoop look at what principals were refused. It never
// blocks: when the queue is full the loop comes by anyway.
func (r *Relay) wakeNotes() {
	select {
	case r.refusals <- noted{}:
	default:
	}
}

// noteLoop writes refusals, and at Close what is left of them.
func (r *Relay) noteLoop() {
	tick := time.NewTicker(endEvery)
	defer tick.Stop()
	var a allowance
	for {
		select {
		case <-r.done:
			for len(r.refusals) > 0 { // nobody else receives
				r.noteStranger(<-r.refusals, &a)
			}
			r.denials.known.end(time.Now(), 0)
			r.note(r.denials.known.take()...)
			return
		case n := <-r.refusals:
			r.noteStranger(n, &a)
		case <-tick.C:
			r.denials.known.end(time.Now(), denialWindow)
		}
		r.note(r.denials.known.take()...)
	}
}

// noteStranger writes a stranger's refusal, or counts it for the next one.
func (r *Relay) noteStranger(n noted, a *allowance) {
	if n.entry != nil && !(a.spend(time.Now()) && r.note(n.entry())) {
		r.denials.giveBack(n.attempt, n.leftOut)
	}
}

// allowance is how many refusals of strangers may still be written.
type allowance struct {
	since time.Time
	left  int
}

func (a *allowance) spend(now time.Time) bool {
	if now.Sub(a.since) >= denialWindow {
		a.since, a.left = now, maxNotes
	}
	if a.left == 0 {
		return false
	}
	a.left--
	return true
}

// note writes entries in one transaction, and tells whether it could.
func (r *Relay) note(list ...agentbridge.Entry) bool {
	if len(list) == 0 {
		return true
	}
	err := r.store.Update(context.Background(), func(t store.Tx) error {
		for _, e := range list {
			if err := t.Log(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		r.log.Error("refusals could not be written to the audit log", "refusals", len(list), "action", list[0].Action, "error", err)
	}
	return err == nil
}

// maxProbed is how many channels are named, of those in which a principal was
// refused the same thing in a denialWindow. All further ones count as one.
const maxProbed = 20

// trespasses counts what principals were refused. The first of a kind is
// written at once; how many followed it is written by the next one after its
// denialWindow, or else when that has ended.
type trespasses struct {
	mu     sync.Mutex // guards all of it
	seen   map[attempt]*window
	probed map[string]int      // channels in seen, for each attempt.reason
	unsaid []agentbridge.Entry // that wait to be written
}

// window is refusals of one kind.
type window struct {
	denial
	told int64 // refusals left out before, as its entry says
	report
}

// report is what the entry of a refusal says, but for how many there were.
type report struct {
	who    agentbridge.Principal
	action agentbridge.Action
	target agentbridge.ChannelName
	about  map[string]any
}

// entry has the number of other refusals in the given field.
func (x report) entry(at time.Time, field string, n int64) agentbridge.Entry {
	about := maps.Clone(x.about)
	about[field] = n
	return agentbridge.Entry{At: at, Actor: actor(x.who), Action: x.action, Target: x.target, Detail: deed(x.who, about)}
}

// count returns the entry to write of a refusal and the window that it opens, or
// no window if it was only counted.
func (t *trespasses) count(a attempt, x report, now time.Time) (e agentbridge.Entry, opened *window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen, t.probed = map[attempt]*window{}, map[string]int{}
	}
	if t.seen[a] == nil && a.channel != "" && t.probed[a.reason] >= maxProbed {
		a.channel, a.others = "", true
		x.target, x.about["other_channels"] = "", true
	}
	before := t.seen[a]
	if before != nil && now.Sub(before.since) < denialWindow {
		before.more++
		return e, nil
	}
	opened = &window{denial: denial{since: now}, report: x}
	if before != nil {
		opened.told = before.more
	} else {
		t.add(a, now)
	}
	t.seen[a] = opened
	return x.entry(now, "not_written_before", opened.told), opened
}

// add makes room for a new window.
func (t *trespasses) add(a attempt, now time.Time) {
	if len(t.seen) >= maxRemembered {
		t.endOlder(now, 0)
	}
	if a.channel != "" {
		t.probed[a.reason]++
	}
}

// giveBack says that the entry of a window was not written after all.
func (t *trespasses) giveBack(w *window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unwritten(w)
}

func (t *trespasses) unwritten(w *window) {
	w.since, w.more, w.told = time.Time{}, w.more+w.told+1, 0
}

// later has the entry of a window written by the noteLoop.
func (t *trespasses) later(e agentbridge.Entry, w *window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.unsaid) >= maxRemembered { // the store is stuck
		t.unwritten(w)
		return
	}
	t.unsaid = append(t.unsaid, e)
}

// take returns what is to be written.
func (t *trespasses) take() []agentbridge.Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.unsaid
	t.unsaid = nil
	return list
}

// end ends the windows of that age, and has written what they left out.
func (t *trespasses) end(now time.Time, age time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endOlder(now, age)
}

func (t *trespasses) endOlder(now time.Time, age time.Duration) {
	var left []*window
	for a, w := range t.seen {
		if now.Sub(w.since) < age {
			continue
		}
		delete(t.seen, a)
		if a.channel != "" {
			if t.probed[a.reason]--; t.probed[a.reason] == 0 {
				delete(t.probed, a.reason)
			}
		}
		if w.more > 0 {
			left = append(left, w)
		}
	}
	slices.SortFunc(left, func(v, w *window) int { return v.since.Compare(w.since) })
	for _, w := range left {
		t.unsaid = append(t.unsaid, w.entry(now, "not_written", w.more))
	}
}
