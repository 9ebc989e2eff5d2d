package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"

	"agentbridge"
	"agentbridge/client"
	"agentbridge/internal/wire"

	"github.com/spf13/cobra"
)

// sending is the command send.
type sending struct {
	place
	file   string
	sender string
	key    string
	json   bool
}

func newSend() *cobra.Command {
	f := &sending{}
	cmd := f.declare(&cobra.Command{
		Use:   "send CHANNEL [TEXT | -]",
		Short: "Send a message to a channel",
		Long: `Send a message to a channel and print its id. It is on disk then.

The text is the argument, or stdin with -, or a file with --file; it is sent as
it is, a final line feed included. With --json it is a message envelope
({"schema_version": 1, "type": …, "content": …}) and the answer is JSON.
A text that begins with - goes behind --.`,
		Example: `  agentbridge send '#build' 'the tests pass'
  git diff | agentbridge send review -
  agentbridge send tasks --json --file task.json --idempotency-key task-17`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			draft, err := f.draft(cmd, args)
			if err != nil {
				return err
			}
			return f.with(cmd, toSend, func(ctx context.Context, s agentbridge.Session) error {
				if draft.Sender == "" {
					if draft.Sender, err = f.ownName(ctx, s); err != nil {
						return err
					}
				}
				sent, err := s.Send(ctx, draft)
				if err != nil {
					return err
				}
				return f.answer(cmd, sent)
			})
		},
	})
	cmd.Flags().StringVar(&f.file, "file", "", "send the content of this file")
	cmd.Flags().StringVar(&f.sender, "sender", "", "your name (default: whose token it is, else your login name)")
	cmd.Flags().StringVar(&f.key, "idempotency-key", "", "makes a retry harmless: with the same key the same message is stored once")
	f.limitFlags.declare(cmd)
	f.redactFlags.declare(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "the text is an envelope; print the answer as JSON")
	return cmd
}

// draft checks everything before a bridge is opened. It leaves the sender out
// if only the bridge can say who that is.
func (f *sending) draft(cmd *cobra.Command, args []string) (d agentbridge.Draft, err error) {
	if d.Channel, err = agentbridge.ParseChannelName(args[0]); err != nil {
		return d, err
	}
	if d.Sender, err = f.senderName(); err != nil {
		return d, err
	}
	if f.key != "" {
		if d.Key, err = agentbridge.ParseKey(f.key); err != nil {
			return d, err
		}
	}
	text, err := f.text(cmd, args[1:])
	if err != nil {
		return d, err
	}
	d.Body, err = f.body(text)
	return d, err
}

// senderName is who the message is from, "" if that depends on the token.
func (f *sending) senderName() (agentbridge.AgentName, error) {
	if f.sender != "" {
		return agentbridge.ParseAgentName("--sender", f.sender)
	}
	if remote, err := f.remote(); remote || err != nil {
		return "", err
	}
	if token, err := ownToken(f.flags, &f.auth, io.Discard); token != "" || err != nil { // warned of when it is used
		return "", err
	}
	return loginAgent()
}

// ownName asks a bridge that is elsewhere whose token it was given; one of
// nobody's in particular is used under the login name.
func (f *sending) ownName(ctx context.Context, s agentbridge.Session) (agentbridge.AgentName, error) {
	if f.agent != "" {
		return f.agent, nil
	}
	if c, ok := s.(*client.Client); ok {
		if name, err := c.Agent(ctx); name != "" || err != nil {
			return name, err
		}
	}
	return loginAgent()
}

func loginAgent() (agentbridge.AgentName, error) {
	return agentbridge.ParseAgentName("--sender", loginName())
}

// loginName is who runs this, "" if nobody knows.
func loginName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return os.Getenv("USER")
}

// text reads the one source there is.
func (f *sending) text(cmd *cobra.Command, args []string) (string, error) {
	switch {
	case f.file == "" && len(args) == 0:
		return "", usageError{errors.New("there is nothing to send; give a text, - for stdin, or --file PATH")}
	case f.file != "" && len(args) > 0:
		return "", usageError{errors.New("give either a text or --file, not both")}
	case f.file != "":
		file, err := os.Open(f.file)
		if err != nil {
			return "", usageError{fmt.Errorf("--file: %w", err)}
		}
		defer file.Close()
		return bounded(cmd.Context(), file)
	case args[0] == "-":
		return bounded(cmd.Context(), cmd.InOrStdin())
	}
	return args[0], nil
}

// bounded reads a text that may be too long, or never end.
func bounded(ctx context.Context, r io.Reader) (string, error) {
	return interruptibly(ctx, 0, func() (string, error) {
		raw, err := io.ReadAll(io.LimitReader(r, agentbridge.MaxContent+1))
		if err != nil {
			return "", fmt.Errorf("read the text: %w", err)
		}
		if len(raw) > agentbridge.MaxContent {
			return "", agentbridge.Refuse(agentbridge.TooLarge, "content",
				"must be at most %d bytes; send it in parts, or send where it can be found", agentbridge.MaxContent)
		}
		return string(raw), nil
	})
}

func (f *sending) body(text string) (agentbridge.Body, error) {
	if !f.json {
		return agentbridge.Text(text)
	}
	v, err := agentbridge.DecodeJSON("message", []byte(text))
	if err != nil {
		return agentbridge.Body{}, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return agentbridge.Body{}, agentbridge.Refuse(agentbridge.InvalidType, "message", "must be a JSON object; leave --json out to send it as text")
	}
	return agentbridge.ParseEnvelope(object)
}

func (f *sending) answer(cmd *cobra.Command, sent agentbridge.Sent) error {
	if sent.Deduplicated {
		fmt.Fprintf(cmd.ErrOrStderr(), "an earlier send with this key stored it as seq %d in %s; nothing was sent twice\n", sent.Seq, said(sent.Channel))
	} else {
		fmt.Fprintf(cmd.ErrOrStderr(), "stored as seq %d in %s\n", sent.Seq, said(sent.Channel))
	}
	changes := wire.ChangesOf(sent)
	if text := changes.Prose(); text != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), inert(text))
	}
	if f.json {
		return printJSONInert(cmd.OutOrStdout(), wire.Sent{ID: sent.ID, Seq: sent.Seq, Channel: sent.Channel,
			TS: agentbridge.FormatTime(sent.At), Deduplicated: sent.Deduplicated, Changes: changes})
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), inert(sent.ID))
	return err
}
