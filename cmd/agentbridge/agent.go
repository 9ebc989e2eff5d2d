package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"agentbridge"

	"github.com/spf13/cobra"
)

func newAgent() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Say who may use the bridge under which name, and what they may do",
		Long: `An agent has a name, a token that is its own, roles and scopes. All that it sends
is from its name, and nobody else can send from it.

Roles say what kinds of things it may do:
  viewer    reads channels
  member    reads, sends, acknowledges, holds conversations
  operator  a member who may also clear channels
  approver  reads channels; approves what others ask for
  auditor   reads the audit log, and no messages
  admin     an operator and auditor
Scopes say in which channels: 'send:payments:*,read:*'. In a name * stands for
anything.

As soon as there is an agent, 'agentbridge serve' lets nobody in without a token.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAgentAdd(), newAgentList(), newAgentShow(), newAgentRotate(), newAgentRevoke())
	return cmd
}

// adding is 'agent add'.
type adding struct {
	reading
	file   string // for the token, "" for stdout
	scopes []string
	roles  []string
	agent  agentbridge.NewAgent
}

func newAgentAdd() *cobra.Command {
	a := &adding{}
	cmd := a.declare(&cobra.Command{
		Use:   "add NAME",
		Short: "Make an agent known and print its token, which is shown only this once",
		Example: `  agentbridge agent add mac-reviewer --scope 'send:payments:*,read:*' --expires 30d
  agentbridge agent add ci --role viewer --token-file ci.token`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.parse(args[0]); err != nil {
				return err
			}
			return a.administer(cmd, func(ctx context.Context, op agentbridge.Operator) error {
				issued, err := a.hand(cmd, "added", func() (agentbridge.Issued, error) { return op.AddAgent(ctx, a.agent) })
				if err != nil {
					return err
				}
				if list, err := op.Agents(ctx); err == nil && len(list) == 1 && list[0].Name == issued.Agent.Name {
					fmt.Fprintln(cmd.ErrOrStderr(), "this is the first agent of this database: from now on 'agentbridge serve' on it asks everybody for a token, unless it runs with --allow-unauthenticated-network")
				}
				return nil
			})
		},
	})
	flags := cmd.Flags()
	declareList(flags, &a.scopes, "scope", checkScope, "what it may do where: read:, send: or clear: and the name of a channel or a pattern with * (default: all channels, for all that its roles may do)")
	declareList(flags, &a.roles, "role", checkRole, "what kinds of things it may do: viewer, member, operator, approver, auditor, admin (default: member)")
	flags.Var(lifetime{&a.agent.Lifetime}, "expires", "how long its tokens admit, as 12h or 30d; at most 90d, which is the default")
	declareTokenFile(flags, &a.file)
	for _, flag := range []string{"scope", "role", "expires"} {
		annotate(flags, flag, noVariable) // rights come from nowhere but the command line
	}
	return cmd
}

// parse checks the arguments before anything is opened.
func (a *adding) parse(name string) (err error) {
	if a.agent.Name, err = agentbridge.ParseAgentName("name", name); err != nil {
		return err
	}
	for _, text := range a.roles {
		a.agent.Roles = append(a.agent.Roles, agentbridge.AccessRole(text))
	}
	if len(a.scopes) > 0 {
		a.agent.Scopes, err = agentbridge.ParseScopes("--scope", strings.Join(a.scopes, ","))
	}
	return err
}

func checkScope(text string) error {
	_, err := agentbridge.ParseScopes("", text)
	return err
}

func checkRole(text string) error {
	_, err := agentbridge.ParseAccessRole("", text)
	return err
}

// hand gives a token to whoever asked for it: in a file or on stdout. A file
// that can't be made is found out before there is a token.
func (a *adding) hand(cmd *cobra.Command, done string, issue func() (agentbridge.Issued, error)) (agentbridge.Issued, error) {
	outliveSignals() // or a reader of stdout who goes away takes the end of this with it
	file, err := reserve(a.file)
	if err != nil {
		return agentbridge.Issued{}, err
	}
	issued, err := issue()
	if err != nil {
		return issued, errors.Join(err, file.giveUp())
	}
	if err = file.keep(string(issued.Token)); err == nil {
		err = a.printIssued(cmd.OutOrStdout(), issued)
	}
	if err != nil {
		return issued, fmt.Errorf("agent %s was %s, but its new token could not be handed over (%w) and is lost; give it another with: agentbridge agent rotate", said(issued.Agent.Name), done, err)
	}
	a.explain(cmd, done, issued)
	return issued, nil
}

func newAgentRotate() *cobra.Command {
	a := &adding{}
	cmd := a.declare(&cobra.Command{
		Use:   "rotate NAME",
		Short: "Give an agent a new token; the one it has admits for another minute",
		Long: `Give an agent a new token. The one it has admits for another minute, so that it
can change over. If anybody uses the old one after that, somebody has a copy of
it: the audit log then holds an alarm (agentbridge audit list).`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.parse(args[0]); err != nil {
				return err
			}
			return a.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error {
				_, err := a.hand(cmd, "rotated", func() (agentbridge.Issued, error) { return op.RotateAgent(ctx, a.agent.Name) })
				if err == nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "the token it had admits for another %v; its use after that is an alarm in the audit log\n", agentbridge.RotationOverlap)
				}
				return err
			})
		},
	})
	declareTokenFile(cmd.Flags(), &a.file)
	return cmd
}

func newAgentRevoke() *cobra.Command {
	f := &storeFlags{}
	var yes bool
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "End all tokens of an agent, and what it has open; asks first",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := agentbridge.ParseAgentName("name", args[0])
			if err != nil {
				return err
			}
			if !yes && !onTerminal(cmd.InOrStdin()) {
				return usageError{errors.New("revoke asks before it ends an agent's tokens, and there is no terminal to ask on; say --yes if you mean it")}
			}
			return f.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error { return revoke(ctx, cmd, op, name, yes) })
		},
	}
	f.declare(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "don't ask")
	return cmd
}

func revoke(ctx context.Context, cmd *cobra.Command, op agentbridge.Operator, name agentbridge.AgentName, yes bool) error {
	info, err := op.Agent(ctx, name)
	if err != nil {
		return err
	}
	if !info.RevokedAt.IsZero() {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s has been revoked since %s\n", said(name), agentbridge.FormatTime(info.RevokedAt))
		return err
	}
	if !yes {
		sure, err := askYes(ctx, cmd, fmt.Sprintf("End all tokens of %s, for good? [y/N] ", strconv.Quote(string(name))))
		if err != nil {
			return err
		}
		if !sure {
			return refusedError{errors.New("nothing was revoked")}
		}
	}
	if err := op.RevokeAgent(ctx, name); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "revoked %s\n", said(name))
	return err
}

// lifetime is how long a token admits: a time with a unit, days among them.
type lifetime struct{ value *time.Duration }

func (l lifetime) String() string {
	if l.value == nil || *l.value == 0 {
		return ""
	}
	return l.value.String()
}

func (l lifetime) Type() string { return "duration" }

func (l lifetime) Set(text string) error {
	text = strings.TrimSpace(text)
	v, err := time.ParseDuration(text)
	if n, ok := strings.CutSuffix(text, "d"); ok {
		var whole int
		whole, err = strconv.Atoi(n)
		v = time.Duration(min(max(whole, 0), 1000)) * 24 * time.Hour
	}
	if err != nil || v < time.Second || v > agentbridge.MaxLifetime {
		return fault("must be at least 1s and at most 90d, with a unit, for example 12h or 30d")
	}
	*l.value = v
	return nil
}
