package main

import (
	"context"
	"errors"
	"fmt"

	"agentbridge"
	"agentbridge/internal/wire"

	"github.com/spf13/cobra"
)

func newAck() *cobra.Command {
	p := &place{}
	var name string
	var asJSON bool
	cmd := p.declare(&cobra.Command{
		Use:   "ack CHANNEL MESSAGE_ID --consumer NAME",
		Short: "Record that a consumer has read a channel up to a message",
		Long: `Move a consumer's cursor forward to a message, so that 'read --consumer' and
'wait --consumer' go on behind it. A cursor never moves back.`,
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := parseAck(args[0], name, args[1])
			if err != nil {
				return err
			}
			return p.with(cmd, toLook, func(ctx context.Context, s agentbridge.Session) error {
				cur, err := s.Ack(ctx, a)
				if err != nil {
					return err
				}
				return answerAck(cmd, cur, asJSON)
			})
		},
	})
	cmd.Flags().StringVar(&name, "consumer", "", "whose cursor to move")
	p.limitFlags.declare(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func parseAck(channel, consumer, id string) (a agentbridge.Ack, err error) {
	if consumer == "" {
		return a, usageError{errors.New("ack needs --consumer, the name whose cursor to move")}
	}
	if a.Channel, err = agentbridge.ParseChannelName(channel); err != nil {
		return a, err
	}
	if a.Consumer, err = agentbridge.ParseAgentName("--consumer", consumer); err != nil {
		return a, err
	}
	a.MessageID, err = agentbridge.ParseMessageID("message_id", id)
	return a, err
}

func answerAck(cmd *cobra.Command, cur agentbridge.Cursor, asJSON bool) error {
	did := "has read"
	if !cur.Advanced {
		did = "had already read"
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s %s %s up to seq %d\n", said(cur.Consumer), did, said(cur.Channel), cur.Seq)
	if asJSON {
		return printJSONInert(cmd.OutOrStdout(), wire.CursorOf(cur))
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), inert(cur.MessageID))
	return err
}
