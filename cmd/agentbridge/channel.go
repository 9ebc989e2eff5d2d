package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"agentbridge"
	"agentbridge/internal/wire"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newChannel() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "channel",
		Short: "List, show and clear channels",
		Args:  usageArgs(noArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newChannelList(), newChannelShow(), newChannelClear())
	return cmd
}

func newChannelList() *cobra.Command {
	p := &place{}
	var asJSON bool
	cmd := p.declare(&cobra.Command{
		Use:   "list",
		Short: "List the channels that hold messages, by name",
		Args:  usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd, toLook, func(ctx context.Context, s agentbridge.Session) error {
				list, err := allChannels(ctx, s)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSONInert(cmd.OutOrStdout(), wire.ChannelsOf(list))
				}
				return printChannels(cmd.OutOrStdout(), cmd.ErrOrStderr(), list)
			})
		},
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// allChannels puts the pages of a listing together.
func allChannels(ctx context.Context, s agentbridge.Session) (all agentbridge.ChannelList, err error) {
	for q := (agentbridge.ChannelQuery{Senders: true}); ; {
		list, err := s.Channels(ctx, q)
		if err != nil {
			return all, err
		}
		all.Channels = append(all.Channels, list.Channels...)
		all.TotalChannels, all.TotalMessages = list.TotalChannels, list.TotalMessages
		if list.Next == "" {
			return all, nil
		}
		q.After = list.Next
	}
}

func printChannels(w, prose io.Writer, list agentbridge.ChannelList) error {
	if len(list.Channels) == 0 {
		fmt.Fprintln(prose, "no channels")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHANNEL\tMESSAGES\tLAST\tSENDERS")
	for _, c := range list.Channels {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", inert(c.Name), c.Count, agentbridge.FormatTime(c.LastAt), senders(c.Senders, 5))
	}
	return table.Flush()
}

// senders names the first few.
func senders(list []agentbridge.AgentName, most int) string {
	var names []string
	for i, s := range list {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		names = append(names, inert(s))
	}
	return strings.Join(names, ", ")
}

// lookUp finds a channel in the listing, or tells that it holds nothing.
func lookUp(ctx context.Context, s agentbridge.Session, name agentbridge.ChannelName) (info agentbridge.ChannelInfo, found bool, err error) {
	q := agentbridge.ChannelQuery{After: before(name), Senders: true}
	for {
		list, err := s.Channels(ctx, q)
		if err != nil {
			return info, false, err
		}
		for _, c := range list.Channels {
			if c.Name == name {
				return c, true, nil
			}
			if c.Name > name {
				return info, false, nil
			}
		}
		if list.Next == "" {
			return info, false, nil
		}
		q.After = list.Next
	}
}

// before is a name not far before another in a listing.
func before(name agentbridge.ChannelName) agentbridge.ChannelName {
	_, size := utf8.DecodeLastRuneInString(string(name))
	return agentbridge.ChannelName(strings.TrimSpace(string(name[:len(name)-size])))
}

func newChannelShow() *cobra.Command {
	p := &place{}
	var asJSON bool
	var limit int
	cmd := p.declare(&cobra.Command{
		Use:   "show CHANNEL",
		Short: "Show who wrote in a channel, how much and when, and how its newest messages begin; --json has all of them",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := agentbridge.ParseChannelName(args[0])
			if err != nil {
				return err
			}
			return p.with(cmd, toLook, func(ctx context.Context, s agentbridge.Session) error {
				info, found, err := lookUp(ctx, s, name)
				if err != nil {
					return err
				}
				if !found {
					return agentbridge.Refuse(agentbridge.NotFound, "", "channel %s holds no messages; list those that do with: agentbridge channel list", said(name))
				}
				list, err := newest(ctx, s, name, limit)
				if err != nil {
					return err
				}
				return printChannel(cmd.OutOrStdout(), info, list, asJSON)
			})
		},
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	declareNumber(cmd.Flags(), &limit, "limit", 10, 1, agentbridge.MaxPage, fmt.Sprintf("how many messages, 1 to %d", agentbridge.MaxPage))
	annotate(cmd.Flags(), "limit", noVariable)
	return cmd
}

func printChannel(w io.Writer, c agentbridge.ChannelInfo, list []agentbridge.Message, asJSON bool) error {
	if asJSON {
		line := wire.ChannelsOf(agentbridge.ChannelList{Channels: []agentbridge.ChannelInfo{c}}).Channels[0]
		return printJSONInert(w, struct {
			wire.Channel
			Messages []wire.Record `json:"messages"`
		}{line, wire.RecordsOf(list)})
	}
	fmt.Fprintf(w, "channel %s\n", inert(c.Name))
	fmt.Fprintf(w, "  messages  %d, last %s\n  senders   %s\n", c.Count, agentbridge.FormatTime(c.LastAt), senders(c.Senders, agentbridge.MaxSenders))
	for _, m := range list {
		fmt.Fprintf(w, "[%d%s] %s %s: %s\n", m.Seq, mark(m), agentbridge.FormatTime(m.At), inert(m.Sender),
			agentbridge.InertLine(agentbridge.Preview(m.Content, 100)))
	}
	return nil
}

func newChannelClear() *cobra.Command {
	p := &place{}
	var yes, asJSON bool
	cmd := p.declare(&cobra.Command{
		Use:   "clear CHANNEL",
		Short: "Remove all messages of a channel, for everybody; asks first",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := agentbridge.ParseChannelName(args[0])
			if err != nil {
				return err
			}
			if !yes && !onTerminal(cmd.InOrStdin()) {
				return usageError{errors.New("clear asks before it removes messages, and there is no terminal to ask on; say --yes if you mean it")}
			}
			return p.with(cmd, toLook, func(ctx context.Context, s agentbridge.Session) error {
				if !yes {
					if err := confirm(ctx, cmd, s, name); err != nil {
						return err
					}
				}
				n, err := s.Clear(ctx, name)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSONInert(cmd.OutOrStdout(), wire.Cleared{Channel: name, Cleared: n})
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "removed %s of %s\n", counted(n, "message"), said(name))
				return err
			})
		},
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "don't ask")
	p.limitFlags.declare(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func onTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks whether a channel is meant to be cleared.
func confirm(ctx context.Context, cmd *cobra.Command, s agentbridge.Session, name agentbridge.ChannelName) error {
	info, _, err := lookUp(ctx, s, name)
	if err != nil {
		return err
	}
	sure, err := askYes(ctx, cmd, fmt.Sprintf("Remove all %s of %s? [y/N] ", counted(info.Count, "message"), strconv.Quote(string(name))))
	if err == nil && !sure {
		err = refusedError{errors.New("nothing was removed")}
	}
	return err
}

// askYes asks the person at the terminal; everything but a yes is a no.
func askYes(ctx context.Context, cmd *cobra.Command, question string) (bool, error) {
	fmt.Fprint(cmd.ErrOrStderr(), question)
	answer, err := interruptibly(ctx, 0, func() (string, error) {
		line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 100)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return line, err
	})
	answer = strings.ToLower(strings.TrimSpace(answer))
	return err == nil && (answer == "y" || answer == "yes"), err
}
