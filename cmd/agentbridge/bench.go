package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"agentbridge/internal/bench"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// benchFlags say what to measure, where, and what becomes of the figures.
type benchFlags struct {
	measure bench.Settings
	agents  []string // numbers
	doors   []string
	quick   bool
	where   benchPlaces
	list    bool
	json    bool
	save    string // path of the report as JSON
	plot    string // path of the picture
	flags   *pflag.FlagSet
}

func newBench() *cobra.Command {
	f := &benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench [SCENARIO ...]",
		Short: "Measure how fast the bridge is, and whether it loses or repeats anything",
		Long: `Measure a bridge from outside: agents send and read through each of its doors,
keep what they were promised and compare it with what arrived. Without --url it
starts a bridge of its own with a fresh database, and ends and removes both;
nothing of yours is read or changed. Without a SCENARIO it runs all of them.

--against measures another server too, scenario by scenario in the same run: any
that has the JSON API of agentbridge or of Claude-Bridge.

A scenario leaves its messages on channels that begin with "bench-" on a server
that was named with --url or --against.

Exit codes: 0 measured; 1 something was lost, repeated or out of order, whatever
the speed, or could not be measured; 4, 9 a server that refuses the token, or does
not answer; 130 interrupted: what was measured until then is printed.`,
		Example: `  agentbridge bench
  agentbridge bench send latency --agents 1,10,100 --through http,mcp
  agentbridge bench --quick --plot bench.svg
  agentbridge bench send --against http://127.0.0.1:8766 --save bench.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.declare(cmd)
	return cmd
}

func (f *benchFlags) declare(cmd *cobra.Command) {
	f.flags = cmd.Flags()
	f.where.declare(f.flags)
	declareList(f.flags, &f.agents, "agents", checkAgents, "`numbers` of agents, for scenarios that have several (default: each scenario's own)")
	declareSpan(f.flags, &f.measure.Duration, "duration", 5*time.Second, 10*time.Millisecond, "how long to measure each case")
	declareNumber(f.flags, &f.measure.Size, "size", 1024, 64, 128<<10, "bytes of a message")
	declareNumber(f.flags, &f.measure.Messages, "messages", 0, 1, 10_000_000, "messages that the scenarios state and disk prepare at most (default: each one's own)")
	declareNumber(f.flags, &f.measure.Sessions, "sessions", 2000, 1, 100_000, "connected sessions of the scenario idle")
	declareList(f.flags, &f.doors, "through", checkDoor, "`doors` to go through: "+doorNames()+" (default: all that a scenario has)")
	declareBool(f.flags, &f.quick, "quick", "measure briefly, with few agents and little data: a look at everything in about half a minute")
	declareBool(f.flags, &f.list, "list", "list the scenarios and measure nothing")
	declareBool(f.flags, &f.json, "json", "print JSON")
	f.flags.StringVar(&f.save, "save", "", "write the whole report as JSON into this `file` as well")
	f.flags.StringVar(&f.plot, "plot", "", "draw rate and latency into this `file`, as SVG")
	for _, name := range []string{"list", "save", "plot"} {
		annotate(f.flags, name, noVariable)
	}
}

func checkAgents(text string) error {
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 10_000 {
		return fmt.Errorf("%q is no number of agents from 1 to 10000", text)
	}
	return nil
}

func checkDoor(text string) error {
	if !slices.Contains(bench.Doors(), bench.Door(text)) {
		return fmt.Errorf("there is no door %q; there are %s", text, doorNames())
	}
	return nil
}

func doorNames() string {
	var names []string
	for _, d := range bench.Doors() {
		names = append(names, string(d))
	}
	return strings.Join(names, ", ")
}

// run walks from what may be wrong with the command line, through what may be
// wrong with where the figures go, to the servers.
func (f *benchFlags) run(cmd *cobra.Command, args []string) error {
	scenarios, err := chooseScenarios(args)
	if err != nil {
		return err
	}
	if f.list {
		return f.printList(cmd.OutOrStdout(), scenarios)
	}
	f.settle()
	if err := f.where.check(f.flags); err != nil {
		return err
	}
	outputs, err := reserveAll(f.save, f.plot)
	if err != nil {
		return err
	}
	defer outputs.discard()
	outliveSignals()
	tuneMemory()
	ctx := cmd.Context()
	shop, err := f.where.open(ctx, f.measure, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	progress := newProgress(cmd.ErrOrStderr())
	report, err := bench.All(ctx, shop.targets, scenarios, shop.settings, progress.say)
	progress.end()
	if e := shop.close(); e != nil && ctx.Err() == nil {
		err = errors.Join(err, e)
	}
	report.Command = append([]string{"agentbridge", "bench"}, commandLine(os.Args)...)
	report.Settings.Limits = shop.limits
	return f.deliver(cmd.OutOrStdout(), report, outputs, err)
}

// commandLine is what stands behind "bench" there.
func commandLine(argv []string) []string {
	if i := slices.Index(argv, "bench"); i >= 0 {
		return argv[i+1:]
	}
	return nil
}

// settle brings the flags into settings. --quick gives way to what was said.
func (f *benchFlags) settle() {
	for _, text := range f.agents {
		n, _ := strconv.Atoi(text)
		f.measure.Agents = append(f.measure.Agents, n)
	}
	slices.Sort(f.measure.Agents)
	f.measure.Agents = slices.Compact(f.measure.Agents)
	for _, text := range f.doors {
		f.measure.Doors = append(f.measure.Doors, bench.Door(text))
	}
	if !f.quick {
		return
	}
	if !f.flags.Changed("duration") {
		f.measure.Duration = 500 * time.Millisecond
	}
	if !f.flags.Changed("agents") {
		f.measure.Agents = []int{1, 10}
	}
	if !f.flags.Changed("messages") {
		f.measure.Messages = 5000
	}
	if !f.flags.Changed("sessions") {
		f.measure.Sessions = 50
	}
}

// deliver prints and stores what there is, and then says whether it counts.
func (f *benchFlags) deliver(stdout io.Writer, report bench.Report, outputs outputs, err error) error {
	write := report.WriteTable
	if f.json {
		write = func(w io.Writer) error { return printJSONInert(w, report) }
	}
	err = errors.Join(err, write(stdout))
	err = errors.Join(err, outputs.finish(f.save, func(w io.Writer) error { return printJSONInert(w, report) }))
	err = errors.Join(err, outputs.finish(f.plot, report.WritePlot))
	if failures := report.Failures(); len(failures) > 0 && !errors.Is(err, context.Canceled) {
		more := ""
		if len(failures) > 1 {
			more = fmt.Sprintf(", and %s", counted(int64(len(failures)-1), "more case"))
		}
		return exitError{exitFailed, fmt.Errorf("the bridge broke a promise, so its speed does not count: %s%s", failures[0], more)}
	}
	return err
}

func chooseScenarios(names []string) ([]bench.Scenario, error) {
	all := bench.Scenarios()
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, sc := range all {
		known = append(known, sc.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, usageError{fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(known, ", "))}
		}
	}
	return slices.DeleteFunc(all, func(sc bench.Scenario) bool { return !slices.Contains(names, sc.Name) }), nil
}

// printList shows what each scenario measures.
func (f *benchFlags) printList(w io.Writer, scenarios []bench.Scenario) error {
	type line struct {
		Name  string `json:"name"`
		About string `json:"about"`
		Claim string `json:"claim,omitempty"`
	}
	lines := []line{}
	for _, sc := range scenarios {
		lines = append(lines, line{sc.Name, sc.About, sc.Claim})
	}
	if f.json {
		return printJSON(w, lines)
	}
	for _, l := range lines {
		fmt.Fprintf(w, "%-14s %s\n", l.Name, l.About)
		if l.Claim != "" {
			fmt.Fprintf(w, "%-14s claimed by reference A: %s\n", "", l.Claim)
		}
	}
	return nil
}
