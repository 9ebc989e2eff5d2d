package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// How the collector of a server trades memory for time, in bytes and percent of
// what is live.
const (
	memoryLimit = 512 << 20
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
// keeps it from growing into the machine's memory.
func tuneMemory() {
	debug.SetMemoryLimit(memoryLimit)
	debug.SetGCPercent(mostPercent)
	percent := mostPercent
	afterEachCollection(func() {
		if want := gcPercent(heldMemory()); want != percent {
			percent = want
			debug.SetGCPercent(percent)
		}
	})
}

// gcPercent is by how much what is held may grow until the next collection, in
// steps, because a change stops the program for an instant.
func gcPercent(held uint64) int {
	want := spareMemory * 100 / int(max(held, 1))
	return min(mostPercent, max(fewPercent, want/50*50))
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
