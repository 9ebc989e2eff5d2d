package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"agentbridge"
)

// All measures scenarios on targets: each scenario on all targets one after
// another, so that what is compared was measured within minutes. One that fails
// does not keep the next from running; the error is then the first one's, and
// the report says what is missing. If ctx ends, the report holds what was
// measured until then and the error is ctx's.
func All(ctx context.Context, targets []*Target, scenarios []Scenario, s Settings, progress func(format string, args ...any)) (Report, error) {
	s = s.WithDefaults()
	c := &course{settings: s, progress: progress}
	c.report = newReport(targets, s)
	c.report.Machine.Fdatasync, c.report.Machine.FdatasyncP99 = c.diskNow()
	for _, sc := range scenarios {
		for _, t := range targets {
			if ctx.Err() == nil {
				c.measure(ctx, sc, t)
			}
		}
	}
	c.report.Seconds = time.Since(c.report.When).Seconds()
	c.report.Machine.end()
	if ctx.Err() != nil {
		c.report.Interrupted = true
		return c.report, ctx.Err()
	}
	return c.report, c.first
}

func newReport(targets []*Target, s Settings) Report {
	r := Report{Version: agentbridge.Version, When: time.Now().UTC(), Settings: settingsOf(s), Machine: Examine(s.Dir), Results: []Result{}}
	for _, t := range targets {
		r.Targets = append(r.Targets, ReportTarget{Name: t.Name, Foreign: t.Foreign, Doors: t.Doors()})
	}
	return r
}

// course is one run of the benchmark while it lasts.
type course struct {
	settings Settings
	progress func(format string, args ...any)
	report   Report
	first    error // of those that made the report incomplete
}

// measure runs one scenario on one target. Nothing is silently absent: one that
// could not run leaves a line that says why.
func (c *course) measure(ctx context.Context, sc Scenario, t *Target) {
	say := func(format string, args ...any) {
		c.progress("%s on %s: %s", sc.Name, t.Name, fmt.Sprintf(format, args...))
	}
	say("begins")
	r := &Run{Scenario: sc.Name, Target: t, Settings: c.settings, ID: newID(), Progress: say, Disk: c.disk}
	err := sc.Run(ctx, r)
	if err == nil {
		err = barren(r.results)
	}
	switch {
	case ctx.Err() != nil: // whatever the scenario says then comes from that
		r.Add(Result{Note: "interrupted"})
	case err != nil:
		r.Add(Result{Note: "could not be measured: " + agentbridge.InertLine(err.Error())})
		c.report.Incomplete = append(c.report.Incomplete, fmt.Sprintf("%s on %s: %s", sc.Name, t.Name, agentbridge.InertLine(err.Error())))
		if c.first == nil {
			c.first = fmt.Errorf("%s on %s could not be measured: %w", sc.Name, t.Name, err)
		}
	case len(r.Results()) == 0:
		r.Add(Result{Note: "not measured: this target lacks what the scenario needs, or the doors it goes through were left out"})
	}
	c.report.Results = append(c.report.Results, r.Results()...)
}

// barren is an error if there is a measurement in which nothing succeeded: a
// bridge that refuses everything loses nothing, and its zeros are no figures.
// What most attempts came to is said where it was not success.
func barren(results []Result) error {
	for i, res := range results {
		switch {
		case res.Seconds > 0 && res.Count == 0 && !res.Failed():
			return fmt.Errorf("nothing succeeded%s within %.1f s, with %s", res.place(), res.Seconds, plural(int(res.Errors), "error"))
		case res.Errors > res.Count && res.Count > 0:
			results[i].Note = notes(res.Note, "more attempts failed than succeeded; the figures are of those that succeeded")
		}
	}
	return nil
}

// disk is what r.Disk calls. A directory that can't be written to has been told
// before; a disk that fills up meanwhile shows in the results.
func (c *course) disk() Disk {
	d, err := MeasureDisk(c.settings.Dir)
	if err != nil {
		c.progress("%v", err)
	}
	return d
}

func (c *course) diskNow() (p50, p99 float64) {
	d := c.disk()
	return ms(d.P50), ms(d.P99)
}

// newID makes the name that everything of a run begins with: short, and not to
// be met again on a server that is measured twice.
func newID() string {
	var raw [4]byte
	_, _ = rand.Read(raw[:]) // it never fails
	return hex.EncodeToString(raw[:])
}
