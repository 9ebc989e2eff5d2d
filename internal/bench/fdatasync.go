package bench

import (
	"fmt"
	"os"
	"slices"
	"time"
)

const (
	diskSamples = 200
	diskBlock   = 4096 // bytes
	// diskTime bounds the samples where a disk is slow.
	diskTime = 2 * time.Second
)

// MeasureDisk takes the time of writing one block of a file in a directory over
// and over, until it is on disk each time: the least that a durable write costs
// there. It leaves nothing behind.
func MeasureDisk(dir string) (Disk, error) {
	f, err := os.CreateTemp(dir, "fdatasync-")
	if err != nil {
		return Disk{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, diskBlock)
	var t Timings
	for began := time.Now(); t.Count() < diskSamples+1 && time.Since(began) < diskTime; {
		block[0]++
		start := time.Now()
		if _, err := f.WriteAt(block, 0); err != nil {
			return Disk{}, fmt.Errorf("measure fdatasync in %s: %w", dir, err)
		}
		if err := fdatasync(f); err != nil {
			return Disk{}, fmt.Errorf("measure fdatasync in %s: %w", dir, err)
		}
		t.Add(time.Since(start))
	}
	return t.disk(), nil
}

// disk leaves out the first one, which made the file longer.
func (t *Timings) disk() Disk {
	rest := Timings{t.all[1:]}
	if rest.Count() == 0 {
		rest = *t
	}
	slices.Sort(rest.all)
	return Disk{P50: rest.rank(0.50), P99: rest.rank(0.99), Samples: len(rest.all)}
}
