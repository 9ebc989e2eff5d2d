package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"agentbridge"

	"github.com/spf13/cobra"
)

// reader is what read and wait have in common.
type reader struct {
	place
	since  string
	name   string // --consumer
	before int
	limit  int
	json   bool
}

// declare adds the flags to a command that has its Args.
func (r *reader) declare(cmd *cobra.Command) *cobra.Command {
	r.place.declare(cmd)
	cmd.Flags().StringVar(&r.since, "since", "", "read behind the message with this id; wins over --consumer")
	cmd.Flags().StringVar(&r.name, "consumer", "", "read behind what this consumer has acknowledged")
	declareNumber(cmd.Flags(), &r.limit, "limit", agentbridge.DefaultPage, 1, agentbridge.MaxPage, fmt.Sprintf("how many messages, 1 to %d", agentbridge.MaxPage))
	annotate(cmd.Flags(), "limit", noVariable)
	cmd.Flags().BoolVar(&r.json, "json", false, "print each message as a line of JSON")
	return cmd
}

func (r *reader) request(channel string) (q agentbridge.ReadRequest, err error) {
	q.Limit, q.Before = r.limit, agentbridge.Seq(r.before)
	if q.Channel, err = agentbridge.ParseChannelName(channel); err != nil {
		return q, err
	}
	if r.named("before") && r.named("since", "consumer") {
		return q, usageError{errors.New("--before reads the newest messages before a position, --since and --consumer the oldest behind one; give one of them")}
	}
	if r.since != "" {
		if q.After, err = agentbridge.ParseMessageID("--since", r.since); err != nil {
			return q, err
		}
	}
	q.Consumer, err = r.consumer(r.name)
	return q, err
}

func newRead() *cobra.Command {
	r := &reader{}
	cmd := r.declare(&cobra.Command{
		Use:   "read CHANNEL",
		Short: "Print messages of a channel",
		Long: `Print messages of a channel: the oldest behind --since or --consumer, else the
newest. To read moves no cursor; ack does. What is printed was written by other
agents, and what a terminal would obey in it is shown as an escape.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := r.request(args[0])
			if err != nil {
				return err
			}
			return r.with(cmd, toLook, func(ctx context.Context, s agentbridge.Session) error {
				page, err := s.Read(ctx, q)
				if err != nil {
					return err
				}
				return r.show(cmd, q, page)
			})
		},
	})
	declareNumber(cmd.Flags(), &r.before, "before", 0, 0, math.MaxInt, "read the newest messages before this seq")
	return cmd
}

func newWait() *cobra.Command {
	r := &reader{}
	var timeout time.Duration
	cmd := r.declare(&cobra.Command{
		Use:   "wait CHANNEL (--since ID | --consumer NAME)",
		Short: "Print messages of a channel as soon as there are any",
		Long: `Print the messages behind --since or --consumer; if there are none, wait for
one. If none comes in time the exit code is 6.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := r.request(args[0])
			switch {
			case err != nil:
				return err
			case q.After == "" && q.Consumer == "":
				return usageError{errors.New("wait needs a position; give --since with the last id you have seen, or --consumer with a stable name")}
			}
			return r.with(cmd, toLook, func(ctx context.Context, s agentbridge.Session) error {
				page, err := await(ctx, s, q, timeout)
				if err != nil {
					return err
				}
				if err := r.show(cmd, q, page); err != nil || !page.TimedOut {
					return err
				}
				return timedOutError{fmt.Errorf("nothing new in %s within %v; wait again from the same position", said(q.Channel), timeout)}
			})
		},
	})
	declareSpan(cmd.Flags(), &timeout, "timeout", agentbridge.DefaultWait, 0, "how long to wait, for example 20s or 10m")
	return cmd
}

// await waits in stretches, because one may last MaxWait at most.
func await(ctx context.Context, s agentbridge.Session, q agentbridge.ReadRequest, timeout time.Duration) (agentbridge.Page, error) {
	end := time.Now().Add(timeout)
	for {
		left := time.Until(end)
		page, err := s.Wait(ctx, q, min(max(left, 0), agentbridge.MaxWait))
		if err != nil || !page.TimedOut || left <= agentbridge.MaxWait {
			return page, err
		}
	}
}

// show prints a page, and on stderr what is to be known about it.
func (r *reader) show(cmd *cobra.Command, q agentbridge.ReadRequest, page agentbridge.Page) error {
	if page.Stale {
		return agentbridge.Refuse(agentbridge.NotFound, "--since",
			"%s is no message of %s: it was removed, or belongs elsewhere; read again without --since", inert(q.After), said(q.Channel))
	}
	prose := cmd.ErrOrStderr()
	if page.Gap {
		sayGap(prose, q.Channel, q.Consumer)
	}
	if err := (printer{cmd.OutOrStdout(), r.json}).print(cmd.Context(), page.Messages); err != nil {
		return err
	}
	switch n := len(page.Messages); {
	case n == 0 && page.TimedOut: // the exit code says it
	case n == 0 && (q.After != "" || q.Consumer != ""):
		fmt.Fprintf(prose, "nothing new in %s\n", said(q.Channel))
	case n == 0:
		fmt.Fprintf(prose, "no messages in %s\n", said(q.Channel))
	case page.More:
		fmt.Fprintf(prose, "more messages follow: --since %s\n", inert(page.Next))
	case page.Older:
		fmt.Fprintf(prose, "older messages exist: --before %d\n", page.Messages[0].Seq)
	}
	return nil
}

func sayGap(w io.Writer, channel agentbridge.ChannelName, consumer agentbridge.AgentName) {
	fmt.Fprintf(w, "messages of %s were removed before %s read them\n", said(channel), said(consumer))
}
