package main

import (
	"math"
	"strings"
	"time"

	"agentbridge"

	"github.com/spf13/cobra"
)

// entryFlags select entries of the audit log.
type entryFlags struct {
	channel, actor, action, outcome string
	since, until                    moment
	before, limit                   int
}

func newAuditList() *cobra.Command {
	r, f := &reading{}, &entryFlags{}
	cmd := r.declare(&cobra.Command{
		Use:   "list",
		Short: "List entries of the audit log, newest first",
		Long: `List entries of the audit log, newest first: those for which all that is given
holds. Times are 2026-07-28, 2026-07-28T12:00:00Z, or how long ago: 90m, 24h.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := f.query()
			if err != nil {
				return err
			}
			return r.showEntries(cmd, q)
		},
	})
	f.declare(cmd)
	return cmd
}

func (f *entryFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.channel, "channel", "", "what was done to this channel or conversation")
	flags.StringVar(&f.actor, "actor", "", "what this agent did")
	flags.StringVar(&f.action, "action", "", "what was done: send, ack, clear, refused and so on")
	flags.StringVar(&f.outcome, "outcome", "", "allow, deny or alarm")
	flags.Var(&f.since, "since", "not before this time")
	flags.Var(&f.until, "until", "before this time")
	declareNumber(flags, &f.before, "before", 0, 0, math.MaxInt, "only entries with a lower number than this one; for the next page")
	for _, name := range []string{"channel", "actor", "action", "outcome", "since", "until", "before"} {
		annotate(flags, name, noVariable)
	}
	declareLimit(cmd, &f.limit)
}

func (f *entryFlags) query() (q agentbridge.EntryQuery, err error) {
	q = agentbridge.EntryQuery{
		Target: agentbridge.ChannelName(f.channel), Actor: agentbridge.AgentName(f.actor),
		Since: time.Time(f.since), Until: time.Time(f.until), Before: int64(f.before), Limit: f.limit,
	}
	if f.action != "" {
		if q.Action, err = agentbridge.ParseAction("--action", f.action); err != nil {
			return q, err
		}
	}
	if f.outcome != "" {
		q.Outcome, err = agentbridge.ParseOutcome("--outcome", f.outcome)
	}
	return q, err
}

// moment is a flag's time: a day in UTC, an exact time, or how long ago.
type moment time.Time

func (m *moment) String() string { return "" }

func (m *moment) Type() string { return "time" }

func (m *moment) Set(text string) error {
	text = strings.TrimSpace(text)
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		*m = moment(time.Now().Add(-ago))
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			*m = moment(at)
			return nil
		}
	}
	return fault("must be a day (2026-07-28), a time (2026-07-28T12:00:00Z), or how long ago (90m)")
}
