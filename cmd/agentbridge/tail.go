package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"agentbridge"

	"github.com/spf13/cobra"
)

// tailing is the command tail.
type tailing struct {
	place
	since string
	last  int
	name  string // --consumer
	json  bool

	channel agentbridge.ChannelName
	printer printer
	prose   io.Writer
	outage  outage
}

func newTail() *cobra.Command {
	t := &tailing{}
	cmd := t.declare(&cobra.Command{
		Use:   "tail CHANNEL",
		Short: "Print messages of a channel and go on as they come",
		Long: `Print the last messages of a channel, or those behind --since, and then what
comes, until Ctrl-C. If the bridge goes away, tail waits for it and goes on where
it was: every message is printed once. Only at the start it has to be there.

With --consumer it starts behind what this consumer has acknowledged (at first at
the beginning) and acknowledges what it has printed, so that the next tail goes
on there. A message may come twice only if tail is killed between the two.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd, args[0]) },
	})
	cmd.Flags().StringVar(&t.since, "since", "", "start behind the message with this id; wins over --consumer")
	declareNumber(cmd.Flags(), &t.last, "last", 10, 0, agentbridge.MaxPage, fmt.Sprintf("how many of the last messages to begin with, 0 to %d", agentbridge.MaxPage))
	cmd.Flags().StringVar(&t.name, "consumer", "", "start behind this consumer's cursor, and move it; wins over --last")
	cmd.Flags().BoolVar(&t.json, "json", false, "print each message as a line of JSON")
	return cmd
}

func (t *tailing) run(cmd *cobra.Command, channel string) (err error) {
	if t.channel, err = agentbridge.ParseChannelName(channel); err != nil {
		return err
	}
	if t.since != "" {
		if _, err := agentbridge.ParseMessageID("--since", t.since); err != nil {
			return err
		}
	}
	consumer, err := t.consumer(t.name)
	if err != nil {
		return err
	}
	outliveSignals() // or there would be no exit code
	t.prose = cmd.ErrOrStderr()
	t.printer = printer{cmd.OutOrStdout(), t.json}
	t.outage = outage{prose: t.prose}
	t.onReconnect = t.outage.lasts
	err = t.with(cmd, toLook, func(ctx context.Context, s agentbridge.Session) error {
		switch {
		case t.since != "":
			return t.follow(ctx, s, agentbridge.Position(t.since), true)
		case consumer != "":
			return t.consume(ctx, s, consumer)
		}
		return t.begin(ctx, s)
	})
	if errors.Is(err, syscall.EPIPE) { // the reader has seen enough
		return nil
	}
	return err
}

// begin prints the last messages and follows from there. If there are none,
// whatever the channel holds a moment later came after this look.
func (t *tailing) begin(ctx context.Context, s agentbridge.Session) error {
	if t.last == 0 {
		return t.follow(ctx, s, "", false)
	}
	list, err := newest(ctx, s, t.channel, t.last)
	if err != nil {
		return err
	}
	if err := t.printer.print(ctx, list); err != nil {
		return err
	}
	from := agentbridge.Mark(0)
	if n := len(list); n > 0 {
		from = list[n-1].ID
	}
	return t.follow(ctx, s, agentbridge.Position(from), false)
}

// newest reads the last n messages of a channel, in several pages if they are
// large.
func newest(ctx context.Context, s agentbridge.Session, channel agentbridge.ChannelName, n int) (list []agentbridge.Message, err error) {
	q := agentbridge.ReadRequest{Channel: channel}
	for len(list) < n {
		q.Limit = n - len(list)
		page, err := s.Read(ctx, q)
		if err != nil {
			return nil, err
		}
		list = slices.Concat(page.Messages, list)
		if !page.Older || len(page.Messages) == 0 {
			break
		}
		q.Before = page.Messages[0].Seq
	}
	return list, nil
}

// follow prints what happens behind a position for as long as it can. A
// position that is gone is worth a word only if somebody named it: else it has
// been removed since we looked, and nothing is missing.
func (t *tailing) follow(ctx context.Context, s agentbridge.Session, after agentbridge.Position, named bool) error {
	feed, err := s.Follow(ctx, t.channel, after)
	if err != nil {
		return err
	}
	defer func() {
		t.outage.end()
		feed.Close()
	}()
	for first := true; ; first = false {
		batch, err := feed.Next(ctx)
		if err != nil {
			return err
		}
		t.outage.over()
		events := batch.Events
		if first && !named && len(events) > 0 && events[0].Kind == agentbridge.EventStale {
			events = events[1:]
		}
		if err := t.show(ctx, events); err != nil {
			return err
		}
	}
}

// show prints events in their order: messages to stdout, the rest as prose.
func (t *tailing) show(ctx context.Context, events []agentbridge.Event) error {
	var list []agentbridge.Message
	for _, e := range events {
		if e.Kind == agentbridge.EventMessage {
			list = append(list, e.Message)
			continue
		}
		if err := t.printer.print(ctx, list); err != nil {
			return err
		}
		list = nil
		t.say(e)
	}
	return t.printer.print(ctx, list)
}

func (t *tailing) say(e agentbridge.Event) {
	switch e.Kind {
	case agentbridge.EventCleared:
		fmt.Fprintf(t.prose, "%s of %s cleared\n", counted(e.Removed, "message"), said(t.channel))
	case agentbridge.EventExpired:
		fmt.Fprintf(t.prose, "%s of %s removed because of their age\n", counted(e.Removed, "message"), said(t.channel))
	case agentbridge.EventStale:
		fmt.Fprintf(t.prose, "the message to go on behind is not in %s: it was removed, or belongs elsewhere; going on with what is there\n", said(t.channel))
	}
}

// consume prints what a consumer has not read, and acknowledges it.
func (t *tailing) consume(ctx context.Context, s agentbridge.Session, name agentbridge.AgentName) error {
	q := agentbridge.ReadRequest{Channel: t.channel, Consumer: name, Limit: agentbridge.MaxPage}
	longest := time.Duration(0) // the first look tells whether the bridge is there
	for gap := false; ; longest = agentbridge.MaxWait {
		var page agentbridge.Page
		err := t.patiently(ctx, func(ctx context.Context) (err error) {
			page, err = s.Wait(ctx, q, longest)
			return err
		})
		if err != nil {
			return err
		}
		if page.Gap && !gap { // it is true until the cursor moves
			sayGap(t.prose, t.channel, name)
		}
		if gap = page.Gap; len(page.Messages) == 0 {
			continue
		}
		if err := t.printer.print(ctx, page.Messages); err != nil {
			return err
		}
		if err := t.acknowledge(ctx, s, name, page.Next); err != nil {
			return err
		}
		gap = false
	}
}

// ackTime is how long a tail that is told to end still tries to keep what it
// has printed from coming again.
const ackTime = 2 * time.Second

// acknowledge moves the cursor behind what has been printed, even if ctx has
// ended in between. A message that was removed meanwhile needs no cursor.
func (t *tailing) acknowledge(ctx context.Context, s agentbridge.Session, name agentbridge.AgentName, id agentbridge.MessageID) error {
	ctx, cancel := graced(ctx, ackTime)
	defer cancel()
	err := t.patiently(ctx, func(ctx context.Context) error {
		_, err := s.Ack(ctx, agentbridge.Ack{Channel: t.channel, Consumer: name, MessageID: id})
		return err
	})
	if agentbridge.CodeOf(err) == agentbridge.NotFound {
		return nil
	}
	return err
}

// graced returns a context that ends some time after its parent.
func graced(parent context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel() }
}

// longPause is the longest between two tries of a call that found no bridge.
const longPause = 5 * time.Second

// maxPause is the longest that the bridge may ask for.
const maxPause = time.Minute

// patiently repeats a call while a bridge that has answered before does not.
func (t *tailing) patiently(ctx context.Context, call func(context.Context) error) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := call(ctx)
		if err == nil {
			t.outage.over()
			return nil
		}
		if !t.outage.passing(err) {
			return err
		}
		if refusal, ok := errors.AsType[*agentbridge.Error](err); ok {
			pause = max(pause, min(refusal.RetryAfter, maxPause))
		}
		t.outage.lasts(err, pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
