package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

var diskScenario = Scenario{
	Name: "disk",
	About: "what messages take on disk with all that belongs to them (index, audit entry): pages of the database in use, after less before, " +
		"by the number of messages; 100 senders on 100 channels",
	Claim: "a database of 80 KB after 482 operations (19 messages)",
	Run:   runDisk,
}

const (
	diskSenders  = 100
	diskMessages = 1_000_000
	diskOthers   = 100_000 // of another size: by then it is known what the number does
	diskFew      = 10_000
	diskSize     = 200 // bytes of a message
)

func runDisk(ctx context.Context, r *Run) error {
	doors := r.Doors(HTTP, MCP)
	switch {
	case r.Target.DB == "":
		r.Add(Result{Note: "not measured: where this server has its database is not known"})
		return nil
	case doors == nil: // the engine's database is another one
		return nil
	}
	agents, err := r.Enter(ctx, doors[0], diskSenders)
	if err != nil {
		return err
	}
	defer leave(agents)
	f := &filler{run: r, door: doors[0], agents: agents}
	if r.Settings.Size != diskSize {
		if err := f.measure(ctx, 0, r.Settings.Size, r.messages(diskOthers)); err != nil {
			return err
		}
	}
	// Last, because a server is busy for a while with removing so many.
	return f.measure(ctx, diskSenders, diskSize, r.messages(diskMessages))
}

// filler fills a database and looks how it grows.
type filler struct {
	run    *Run
	door   Door
	agents []Agent
}

// measure fills with messages of one size, in two steps, and removes them.
func (f *filler) measure(ctx context.Context, first, size, all int) (err error) {
	r := f.run
	before, err := f.footprint(ctx)
	if err != nil {
		return err
	}
	c := r.newCargo(f.agents, first, diskSenders, size)
	defer c.tidy(ctx, &err)
	var results []Result
	for _, total := range slices.Compact([]int{min(diskFew, all), all}) {
		r.Progress("%s, %d messages of %d bytes", f.door, total, size)
		res, err := f.fill(ctx, c, total, before)
		if err != nil {
			return err
		}
		results = append(results, res)
	}
	r.Progress("reading %d messages back", c.total())
	err = c.check(ctx, &results[len(results)-1])
	for _, res := range results {
		r.Add(res)
	}
	return err
}

// fill brings the number of messages to total. The rate is that of the messages
// that it adds.
func (f *filler) fill(ctx context.Context, c *cargo, total int, before footprint) (Result, error) {
	disk, use := f.run.Disk(), f.run.meter(f.door)
	t, elapsed, err := c.fill(ctx, total)
	if err != nil {
		return Result{}, err
	}
	res := Result{Door: f.door, Agents: len(f.agents), Fdatasync: ms(disk.P50), Case: fmt.Sprintf("%d messages of %d bytes", total, c.size)}
	use.into(&res)
	t.into(&res, elapsed)
	after, err := f.footprint(ctx)
	if err != nil {
		return Result{}, err
	}
	grown := after.since(before)
	if total >= len(f.agents) { // of fewer it tells nothing: a database grows by pages
		res.figure("bytes/message", grown/float64(total))
		res.figure("bytes/message beside content", grown/float64(total)-float64(c.size))
	}
	res.figure("MiB of database", mib(after.file))
	if !after.exact() || !before.exact() {
		res.Note = "what the files grew by, the write-ahead log included: the pages in use could not be told"
	}
	return res, nil
}

// footprint looks at the database when everything that was cleared before is
// gone from it. When that is, nobody says; but our server cuts off its log then,
// and clearing one more channel makes it do so. A reader may prevent it, so it
// is tried again, and at last the database is looked at as it is.
func (f *filler) footprint(ctx context.Context) (p footprint, err error) {
	if f.run.Target.Foreign { // it removes at once
		return f.run.footprint()
	}
	name := f.run.Channel(1_000_000)
	for range 30 {
		if _, err = f.agents[0].Send(ctx, name, clearMark, ""); err != nil {
			return p, fmt.Errorf("before looking at the database: %w", err)
		}
		if err = f.agents[0].Clear(ctx, name); err != nil {
			return p, fmt.Errorf("before looking at the database: %w", err)
		}
		for range 100 {
			if p, err = f.run.footprint(); err != nil || p.whole() {
				return p, err
			}
			if err = pause(ctx, 100*time.Millisecond); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}
