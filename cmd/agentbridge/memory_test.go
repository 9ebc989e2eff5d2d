package main

import (
	"fmt"
	"runtime"
	"strings"
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

// The limit grows with what is held, or a server with more clients than fit into
// it would spend its time on collecting.
func TestLimitOf(t *testing.T) {
	for held, want := range map[uint64]int64{
		0: 512 << 20, 300 << 20: 512 << 20, 342 << 20: 576 << 20, 512 << 20: 768 << 20, 4 << 30: 6 << 30,
	} {
		if got := limitOf(held); got != want {
			t.Errorf("limitOf(%d MiB) = %d MiB, want %d", held>>20, got>>20, want>>20)
		}
	}
}

func TestTuner_leavesTheOperatorsSettings(t *testing.T) {
	for _, c := range []struct{ gogc, limit, want string }{
		{"", "", "800% 512MiB 100% 1536MiB "},
		{"50", "", "512MiB 1536MiB "},
		{"", "1GiB", "800% 100% "},
		{"off", "1GiB", ""},
	} {
		var did strings.Builder
		collector := tuner{
			setPercent: func(percent int) { fmt.Fprintf(&did, "%d%% ", percent) },
			setLimit:   func(bytes int64) { fmt.Fprintf(&did, "%dMiB ", bytes>>20) },
		}
		collector.leave(c.gogc, c.limit)
		for _, held := range []uint64{0, 1 << 20, 1 << 30, 1 << 30} {
			collector.tune(held)
		}
		if did.String() != c.want {
			t.Errorf("GOGC=%s GOMEMLIMIT=%s: set %q, want %q", c.gogc, c.limit, did.String(), c.want)
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
