package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"agentbridge"

	"github.com/spf13/cobra"
)

// reading is what the commands that look at a database have in common.
type reading struct {
	storeFlags
	json bool
}

func (r *reading) declare(cmd *cobra.Command) *cobra.Command {
	r.storeFlags.declare(cmd)
	cmd.Flags().BoolVar(&r.json, "json", false, "print JSON")
	return cmd
}

// operateOn is operate for commands that name a conversation.
func (r *reading) operateOn(cmd *cobra.Command, name string, look func(context.Context, agentbridge.Operator, agentbridge.ConversationID) error) error {
	id, err := agentbridge.ParseConversationID(name)
	if err != nil {
		return err
	}
	return r.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error { return look(ctx, op, id) })
}

// printJSON writes one value. HTML stays as it is: this is no web page.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// conversationJSON is a conversation in --json output.
type conversationJSON struct {
	ID        agentbridge.ConversationID `json:"conversation_id"`
	RoleA     agentbridge.Role           `json:"session_a_role"`
	RoleB     agentbridge.Role           `json:"session_b_role"`
	CreatedAt string                     `json:"created_at"`
	ExpiresAt string                     `json:"expires_at"`
	Expired   bool                       `json:"expired"`
	Messages  int64                      `json:"messages"`
	UnreadA   int64                      `json:"unread_by_a"`
	UnreadB   int64                      `json:"unread_by_b"`
}

func newConversationJSON(c agentbridge.ConversationInfo) conversationJSON {
	return conversationJSON{c.ID, c.RoleA, c.RoleB, agentbridge.FormatTime(c.CreatedAt), agentbridge.FormatTime(c.ExpiresAt),
		c.Expired(time.Now()), c.Messages, c.UnreadA, c.UnreadB}
}

func newList() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "list",
		Short: "List conversations, newest first",
		Args:  usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error {
				list, err := op.Conversations(ctx)
				if err != nil {
					return err
				}
				return r.printList(cmd.OutOrStdout(), cmd.ErrOrStderr(), list)
			})
		},
	})
}

func (r *reading) printList(w, prose io.Writer, list []agentbridge.ConversationInfo) error {
	if r.json {
		out := make([]conversationJSON, 0, len(list))
		for _, c := range list {
			out = append(out, newConversationJSON(c))
		}
		return printJSONInert(w, out)
	}
	if len(list) == 0 {
		fmt.Fprintln(prose, "no conversations")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CONVERSATION\tSTATE\tA\tB\tMESSAGES\tUNREAD\tEXPIRES")
	for _, c := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", c.ID, state(c), inert(c.RoleA), inert(c.RoleB),
			c.Messages, c.UnreadA+c.UnreadB, agentbridge.FormatTime(c.ExpiresAt))
	}
	return table.Flush()
}

func state(c agentbridge.ConversationInfo) string {
	if c.Expired(time.Now()) {
		return "expired"
	}
	return "open"
}

// inert is agentbridge.InertLine for any kind of string: everything that an
// agent chose goes through it, or through Inert, on its way to a terminal.
func inert[S ~string](s S) string { return agentbridge.InertLine(string(s)) }

func newShow() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "show CONVERSATION",
		Short: "Show a conversation and how its messages begin, read and unread; --json has all of them",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.operateOn(cmd, args[0], func(ctx context.Context, op agentbridge.Operator, id agentbridge.ConversationID) error {
				info, lines, err := op.Conversation(ctx, id)
				if err != nil {
					return err
				}
				return r.printConversation(cmd.OutOrStdout(), info, lines)
			})
		},
	})
}

// lineJSON is one message of a conversation in --json output.
type lineJSON struct {
	Seq      agentbridge.Seq          `json:"seq"`
	ID       agentbridge.MessageID    `json:"id"`
	From     agentbridge.AgentName    `json:"from"`
	To       agentbridge.Seat         `json:"to"`
	SentAt   string                   `json:"sent_at"`
	State    agentbridge.ReceiptState `json:"state"`
	Read     bool                     `json:"read"`
	Message  string                   `json:"message"`
	Metadata json.RawMessage          `json:"metadata"`
}

func (r *reading) printConversation(w io.Writer, c agentbridge.ConversationInfo, lines []agentbridge.TranscriptLine) error {
	if r.json {
		out := struct {
			conversationJSON
			Transcript []lineJSON `json:"transcript"`
		}{newConversationJSON(c), make([]lineJSON, 0, len(lines))}
		for _, l := range lines {
			m := l.Message
			out.Transcript = append(out.Transcript, lineJSON{m.Seq, m.ID, m.Sender, l.To, agentbridge.FormatTime(m.At), l.State, l.State.Read(), m.Content, json.RawMessage(m.Metadata)})
		}
		return printJSONInert(w, out)
	}
	fmt.Fprintf(w, "conversation %s (%s)\n", c.ID, state(c))
	fmt.Fprintf(w, "  session a  %s\n  session b  %s\n", inert(c.RoleA), inert(c.RoleB))
	fmt.Fprintf(w, "  created    %s\n  expires    %s\n", agentbridge.FormatTime(c.CreatedAt), agentbridge.FormatTime(c.ExpiresAt))
	fmt.Fprintf(w, "  messages   %d, unread by a: %d, unread by b: %d\n", c.Messages, c.UnreadA, c.UnreadB)
	for _, l := range lines {
		mark := "○ unread"
		if l.State.Read() {
			mark = "✓ read  "
		}
		fmt.Fprintf(w, "%s  %s  %s → %s  %s\n", mark, agentbridge.FormatTime(l.Message.At), inert(l.Message.Sender), l.To,
			agentbridge.InertLine(agentbridge.Preview(l.Message.Content, 100)))
	}
	return nil
}

func newTokens() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "tokens CONVERSATION",
		Short: "Print both tokens of a conversation; needs the key file, and the audit log notes it",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.operateOn(cmd, args[0], func(ctx context.Context, op agentbridge.Operator, id agentbridge.ConversationID) error {
				a, b, err := op.Tokens(ctx, id)
				if err != nil {
					return err
				}
				if r.json {
					return printJSON(cmd.OutOrStdout(), map[string]string{
						"conversation_id": string(id), "session_a_token": string(a), "session_b_token": string(b)})
				}
				fmt.Fprintf(cmd.OutOrStdout(), "session a  %s\nsession b  %s\n", string(a), string(b))
				fmt.Fprintln(cmd.ErrOrStderr(), "whoever has a token speaks for its session; keep them secret")
				return nil
			})
		},
	})
}

func newCleanup() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "cleanup",
		Short: "Remove expired conversations and their messages; audit entries stay",
		Args:  usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error {
				removed, err := op.Cleanup(ctx)
				if r.json {
					out := append([]agentbridge.ConversationID{}, removed...)
					if e := printJSON(cmd.OutOrStdout(), map[string]any{"removed": out}); err == nil {
						err = e
					}
					return err
				}
				for _, id := range removed {
					fmt.Fprintf(cmd.OutOrStdout(), "removed %s\n", id)
				}
				if len(removed) == 0 && err == nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "no expired conversations")
				}
				return err
			})
		},
	})
}
