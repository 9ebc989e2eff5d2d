package main

import (
	"runtime"
	"testing"
)

// A small heap may grow to many times its size, a large one by as much as it
// holds.
func TestGCPercent(t *testing.T) {
	for held, want := range map[uint64]int{
		0: mostPercent, 1 << 20: mostPercent, 8 << 20: 800, 10 << 20: 600, 16 << 20: 400,
		33 << 20: 150, 64 << 20: 100, 1 << 30: fewPercent,
	} {
		if got := gcPercent(held); got != want {
			t.Errorf("gcPercent(%d MiB) = %d, want %d", held>>20, got, want)
		}
	}
}

func TestMemory_isMeasured(t *testing.T) {
	runtime.GC()
	if heldMemory() == 0 {
		t.Error("this version of Go has other names for its figures: the collector stays as it was set first")
	}
	if memory("/no/such:bytes") != 0 {
		t.Error("a figure that isn't there")
	}
}

func TestAfterEachCollection(t *testing.T) {
	ran := make(chan bool)
	done := make(chan struct{})
	afterEachCollection(func() {
		select {
		case ran <- true:
		case <-done:
		}
	})
	defer close(done)
	for range 3 {
		runtime.GC()
		<-ran
	}
}

// What a busy time took is returned once, when it is over.
func TestQuiet(t *testing.T) {
	var q quiet
	const mib = 1 << 20
	for i, step := range []struct {
		allocated uint64
		want      bool
	}{
		{8 * mib, false},         // busy
		{8 * mib, false},         // quiet, but it was not much
		{500 * mib, false},       // busy
		{500*mib + 100, true},    // quiet
		{500*mib + 200, false},   // all has been returned
		{502 * mib, false},       // busy again, a little
		{502*mib + 1, false},     // not worth it
		{600 * mib, false},       //
		{600*mib + 1<<19, true},  //
		{600*mib + 1<<20, false}, //
		{616*mib + 1<<20, false}, //
		{616*mib + 3<<19, true},  //
		{616*mib + 3<<19, false}, //
	} {
		if got := q.worthIt(step.allocated); got != step.want {
			t.Errorf("step %d: worthIt = %v", i, got)
		}
	}
}
