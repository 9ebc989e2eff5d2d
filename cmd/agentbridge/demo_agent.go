package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"agentbridge"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// agent is one MCP client of the bridge in a demo.
type agent struct {
	name    string
	stage   *stage
	session *mcp.ClientSession
	process *exec.Cmd // its own bridge process; nil over HTTP
}

// joinStdio starts a bridge process for this agent alone, as Claude Code and
// Codex do.
func (st *stage) joinStdio(ctx context.Context, name string) (*agent, error) {
	process := st.command("stdio", "--db", st.db)
	a, err := st.join(ctx, name, &mcp.CommandTransport{Command: process})
	if err != nil {
		return nil, err
	}
	a.process = process
	st.transcript.stagef("%s joins over stdio (pid %d)", name, process.Process.Pid)
	return a, nil
}

// joinHTTP connects an agent to the running bridge.
func (st *stage) joinHTTP(ctx context.Context, name string) (*agent, error) {
	a, err := st.join(ctx, name, &mcp.StreamableClientTransport{Endpoint: st.url, DisableStandaloneSSE: true})
	if err != nil {
		return nil, err
	}
	st.transcript.stagef("%s joins over HTTP", name)
	return a, nil
}

func (st *stage) join(ctx context.Context, name string, t mcp.Transport) (*agent, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: name, Version: agentbridge.Version}, nil)
	session, err := client.Connect(ctx, t, nil)
	if err != nil {
		return nil, fmt.Errorf("%s joins: %w", name, err)
	}
	a := &agent{name: name, stage: st, session: session}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.agents = append(st.agents, a)
	return a, nil
}

// leave ends the session, and with it the agent's process.
func (a *agent) leave() error {
	if a.session == nil {
		return nil
	}
	err := a.session.Close()
	a.session = nil
	if err != nil {
		return fmt.Errorf("%s leaves: %w", a.name, err)
	}
	return nil
}

// kill ends the agent's process as a crash would.
func (a *agent) kill() error {
	pid := a.process.Process.Pid
	if err := a.process.Process.Kill(); err != nil {
		return err
	}
	_ = a.session.Close() // it tells that the process was killed, which we know
	a.session = nil
	a.stage.transcript.stagef("%s is killed (kill -9 %d)", a.name, pid)
	return nil
}

// refused is a tool error.
type refused string

func (r refused) Error() string { return string(r) }

// call calls a tool and decodes its structured answer into out.
func (a *agent) call(ctx context.Context, tool string, args map[string]any, out any) error {
	start := time.Now()
	result, err := a.session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return fmt.Errorf("%s calls %s: %w", a.name, tool, err)
	}
	if result.IsError {
		return fmt.Errorf("%s calls %s: %w", a.name, tool, refused(textOf(result)))
	}
	if strings.HasPrefix(tool, "bridge_send") || tool == "send_to_partner" {
		a.stage.transcript.timed(time.Since(start))
	}
	if out == nil {
		return nil
	}
	raw, err := json.Marshal(result.StructuredContent)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

func textOf(r *mcp.CallToolResult) string {
	var all []string
	for _, c := range r.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			all = append(all, t.Text)
		}
	}
	return strings.Join(all, "\n")
}

// wantRefused checks that a call is refused.
func (a *agent) wantRefused(ctx context.Context, why, tool string, args map[string]any) error {
	err := a.call(ctx, tool, args, nil)
	if _, ok := errors.AsType[refused](err); !ok {
		return fmt.Errorf("%s: %s answered %v, want a refusal", why, tool, err)
	}
	a.stage.transcript.checkf("%s: refused", why)
	return nil
}
