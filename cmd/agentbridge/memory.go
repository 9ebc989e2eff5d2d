package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// How the collector of a server trades memory for time, in bytes and percent of
// what is live.
const (
	leastLimit  = 512 << 20 // Go's memory limit, unless more is held
	limitStep   = 64 << 20
	spareMemory = 64 << 20 // may be allocated between two collections, or as much as is live
	mostPercent = 800
	fewPercent  = 100 // Go's own default

	quietTime    = 5 * time.Second
	quietMemory  = 1 << 20  // a server that allocates less in quietTime is quiet
	unusedMemory = 16 << 20 // allocated before that, it is worth a collection
)

// tuneMemory has a server collect garbage after so much has been allocated, not
// when its heap has grown by so many times: the MCP SDK allocates 360 KB for
// each call and keeps little, so a small heap would be collected all the time,
// while thousands of idle sessions need no multiple of their memory. The limit
// keeps it from growing into the machine's memory. What the operator has set by
// Go's own variables, GOGC and GOMEMLIMIT, stays as it is.
func tuneMemory() {
	collector := tuner{
		setPercent: func(percent int) { debug.SetGCPercent(percent) },
		setLimit:   func(bytes int64) { debug.SetMemoryLimit(bytes) },
	}
	collector.leave(os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT"))
	collector.tune(0)
	afterEachCollection(func() { collector.tune(heldMemory()) })
}

// tuner sets what has changed: each setting stops the program for an instant.
type tuner struct {
	setPercent func(percent int) // nil leaves it
	setLimit   func(bytes int64) // nil leaves it
	percent    int
	limit      int64
}

// leave leaves the settings that the environment makes. Go takes an empty one
// for none.
func (t *tuner) leave(gogc, gomemlimit string) {
	if gogc != "" {
		t.setPercent = nil
	}
	if gomemlimit != "" {
		t.setLimit = nil
	}
}

func (t *tuner) tune(held uint64) {
	if percent := gcPercent(held); percent != t.percent && t.setPercent != nil {
		t.percent = percent
		t.setPercent(percent)
	}
	if limit := limitOf(held); limit != t.limit && t.setLimit != nil {
		t.limit = limit
		t.setLimit(limit)
	}
}

// gcPercent is by how much what is held may grow until the next collection, in
// steps.
func gcPercent(held uint64) int {
	const spare uint64 = spareMemory * 100
	want := spare / max(held, 1) / 50 * 50
	return int(min(mostPercent, max(fewPercent, want)))
}

// limitOf is Go's memory limit, in steps. A fixed one would be no limit for what
// is held, and near it the collector does nothing but look for what it may free:
// half as much again may always be allocated.
func limitOf(held uint64) int64 {
	want := held + held/2
	return max(leastLimit, int64((want+limitStep-1)/limitStep*limitStep))
}

// heldMemory is what the last collection found to be in use: what the next one
// will look at.
func heldMemory() uint64 {
	return memory("/gc/heap/live:bytes") + memory("/gc/scan/stack:bytes") + memory("/gc/scan/globals:bytes")
}

// memory is one of Go's own figures, 0 if this version of Go has it no more.
func memory(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	if metrics.Read(sample); sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// afterEachCollection calls f, never twice at a time, after each collection: the
// finalizer of an object that nobody holds runs then, and makes the next one.
// Go runs finalizers one after another.
func afterEachCollection(f func()) {
	type sentinel struct{ _ *byte }
	runtime.SetFinalizer(&sentinel{new(byte)}, func(*sentinel) {
		afterEachCollection(f)
		f()
	})
}

// returnMemory gives the system back what a server used when it was busy, once
// it is quiet, until stop is called. Left alone, a process keeps for long what
// its busiest moment took.
func returnMemory() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() {
		tick := time.NewTicker(quietTime)
		defer tick.Stop()
		var q quiet
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if q.worthIt(memory("/gc/heap/allocs:bytes")) {
					debug.FreeOSMemory()
				}
			}
		}
	})
	return func() { cancel(); loop.Wait() }
}

// quiet tells when returning memory is worth a collection.
type quiet struct{ before, returned uint64 } // bytes allocated since the start

// worthIt is asked every quietTime, with the bytes allocated until then.
func (q *quiet) worthIt(allocated uint64) bool {
	idle := allocated-q.before < quietMemory
	q.before = allocated
	if !idle || allocated-q.returned < unusedMemory {
		return false
	}
	q.returned = allocated
	return true
}
