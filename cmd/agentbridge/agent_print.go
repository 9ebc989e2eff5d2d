package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"agentbridge"

	"github.com/spf13/cobra"
)

// agentJSON is an agent in --json output.
type agentJSON struct {
	Name        agentbridge.AgentName    `json:"name"`
	State       string                   `json:"state"` // active, expired or revoked
	Roles       []agentbridge.AccessRole `json:"roles"`
	Scopes      []string                 `json:"scopes"`
	Subject     string                   `json:"subject,omitempty"`
	CreatedAt   string                   `json:"created_at"`
	RevokedAt   string                   `json:"revoked_at,omitempty"`
	Credentials []credentialJSON         `json:"credentials"`
}

type credentialJSON struct {
	ID        string `json:"id"`
	State     string `json:"state"` // active, replaced or expired
	CreatedAt string `json:"created_at"`
	ExpiresAt string `json:"expires_at"`
	RotatedAt string `json:"rotated_at,omitempty"`
	UsedAt    string `json:"used_at,omitempty"`
}

func newAgentJSON(a agentbridge.AgentInfo) agentJSON {
	out := agentJSON{a.Name, agentState(a), append([]agentbridge.AccessRole{}, a.Roles...), scopeTexts(a), a.Subject,
		agentbridge.FormatTime(a.CreatedAt), shownTime(a.RevokedAt), []credentialJSON{}}
	for _, c := range a.Credentials {
		out.Credentials = append(out.Credentials, credentialJSON{c.ID, credentialState(c),
			agentbridge.FormatTime(c.CreatedAt), agentbridge.FormatTime(c.ExpiresAt), shownTime(c.RotatedAt), shownTime(c.UsedAt)})
	}
	return out
}

// shownTime is a time for people and programs, "" for none.
func shownTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return agentbridge.FormatTime(at)
}

// agentState tells whether an agent can come in.
func agentState(a agentbridge.AgentInfo) string {
	switch {
	case !a.RevokedAt.IsZero():
		return "revoked"
	case a.Subject == "" && !expires(a).After(time.Now()):
		return "expired"
	}
	return "active"
}

func credentialState(c agentbridge.CredentialInfo) string {
	switch {
	case !c.RotatedAt.IsZero():
		return "replaced"
	case !c.ExpiresAt.After(time.Now()):
		return "expired"
	}
	return "active"
}

// expires is when the last token of an agent ends; zero if it has none.
func expires(a agentbridge.AgentInfo) (last time.Time) {
	for _, c := range a.Credentials {
		if c.ExpiresAt.After(last) {
			last = c.ExpiresAt
		}
	}
	return last
}

// used is when any token of an agent was used last, about.
func used(a agentbridge.AgentInfo) (last time.Time) {
	for _, c := range a.Credentials {
		if c.UsedAt.After(last) {
			last = c.UsedAt
		}
	}
	return last
}

func scopeTexts(a agentbridge.AgentInfo) []string {
	texts := make([]string, 0, len(a.Scopes))
	for _, s := range a.Scopes {
		texts = append(texts, s.String())
	}
	return texts
}

func roleTexts(a agentbridge.AgentInfo) string {
	var texts []string
	for _, r := range a.Roles {
		texts = append(texts, string(r))
	}
	return orDash(strings.Join(texts, ","))
}

func newAgentList() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "list",
		Short: "List agents by name, revoked ones too",
		Args:  usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error {
				list, err := op.Agents(ctx)
				if err != nil {
					return err
				}
				return r.printAgents(cmd.OutOrStdout(), cmd.ErrOrStderr(), list)
			})
		},
	})
}

func (r *reading) printAgents(w, prose io.Writer, list []agentbridge.AgentInfo) error {
	if r.json {
		out := make([]agentJSON, 0, len(list))
		for _, a := range list {
			out = append(out, newAgentJSON(a))
		}
		return printJSONInert(w, out)
	}
	if len(list) == 0 {
		fmt.Fprintln(prose, "no agents; add one with: agentbridge agent add NAME")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AGENT\tSTATE\tROLES\tEXPIRES\tUSED\tSCOPES")
	for _, a := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", inert(a.Name), agentState(a), roleTexts(a),
			orDash(shownTime(expires(a))), orDash(shownTime(used(a))), orDash(strings.Join(scopeTexts(a), ",")))
	}
	return table.Flush()
}

func newAgentShow() *cobra.Command {
	r := &reading{}
	return r.declare(&cobra.Command{
		Use:   "show NAME",
		Short: "Show what an agent may do, and which tokens it has; never a token itself",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := agentbridge.ParseAgentName("name", args[0])
			if err != nil {
				return err
			}
			return r.operate(cmd, func(ctx context.Context, op agentbridge.Operator) error {
				a, err := op.Agent(ctx, name)
				if err != nil {
					return err
				}
				return r.printAgent(cmd.OutOrStdout(), a)
			})
		},
	})
}

func (r *reading) printAgent(w io.Writer, a agentbridge.AgentInfo) error {
	if r.json {
		return printJSONInert(w, newAgentJSON(a))
	}
	fmt.Fprintf(w, "agent %s (%s)\n", inert(a.Name), agentState(a))
	fmt.Fprintf(w, "  roles    %s\n  scopes   %s\n", roleTexts(a), orDash(strings.Join(scopeTexts(a), ",")))
	fmt.Fprintf(w, "  created  %s\n", agentbridge.FormatTime(a.CreatedAt))
	if !a.RevokedAt.IsZero() {
		fmt.Fprintf(w, "  revoked  %s\n", agentbridge.FormatTime(a.RevokedAt))
	}
	if a.Subject != "" {
		fmt.Fprintf(w, "  is       %s, for its identity provider\n", inert(a.Subject))
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TOKEN\tSTATE\tCREATED\tEXPIRES\tUSED")
	for _, c := range a.Credentials {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.ID, credentialState(c), agentbridge.FormatTime(c.CreatedAt), agentbridge.FormatTime(c.ExpiresAt), orDash(shownTime(c.UsedAt)))
	}
	return table.Flush()
}

// printIssued is what goes to stdout when a token was made: the token, unless
// it went to a file.
func (a *adding) printIssued(w io.Writer, issued agentbridge.Issued) error {
	if !a.json {
		if a.file != "" {
			return nil
		}
		_, err := fmt.Fprintln(w, string(issued.Token))
		return err
	}
	out := struct {
		agentJSON
		Credential string `json:"credential"`
		Token      string `json:"token,omitempty"`
		TokenFile  string `json:"token_file,omitempty"`
	}{newAgentJSON(issued.Agent), issued.ID, string(issued.Token), a.file}
	if a.file != "" {
		out.Token = ""
	}
	return printJSONInert(w, out)
}

// explain says what was done, and what the token is for.
func (a *adding) explain(cmd *cobra.Command, done string, issued agentbridge.Issued) {
	w, file := cmd.ErrOrStderr(), a.file
	info := issued.Agent
	fmt.Fprintf(w, "%s %s (%s; %s)\n", said(info.Name), done, roleTexts(info), orDash(strings.Join(scopeTexts(info), ",")))
	until := agentbridge.FormatTime(expires(info))
	if file != "" {
		fmt.Fprintf(w, "its token is in %s and admits until %s\n", inert(file), until)
	} else {
		fmt.Fprintf(w, "its token is shown only this once and admits until %s; keep it in a file that only its agent can read\n", until)
		file = "FILE"
	}
	db := ""
	if cmd.Flags().Changed("db") {
		db = " --db " + inert(a.db)
	}
	fmt.Fprintf(w, "hint: for a bridge process of its own:  agentbridge stdio%s --auth-token-file %s\n", db, inert(file))
	fmt.Fprintf(w, "hint: for a bridge at a URL:  agentbridge read CHANNEL --url URL --auth-token-file %s; MCP clients send 'Authorization: Bearer TOKEN'\n", inert(file))
}
