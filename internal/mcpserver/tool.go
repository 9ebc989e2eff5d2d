package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"agentbridge"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// tool is one MCP tool. Input schemas are flat objects without combinators at
// the root, which some clients refuse; what a schema can't say is checked in
// run.
type tool struct {
	name, title, description string
	input, output            json.RawMessage
	readOnly                 bool
	destructive              bool
	idempotent               bool
	run                      func(ctx context.Context, c *invocation) (*reply, error)
}

// invocation is one call of a tool.
type invocation struct {
	*call
	*host
	message *mcp.CallToolRequest
	args    *arguments
}

// open opens the session of a tool that acts for nobody in particular; the
// tool's arguments must have been read before.
func (c *invocation) open(ctx context.Context) (agentbridge.Session, error) {
	if err := c.args.done(); err != nil {
		return nil, err
	}
	who, err := c.principal(ctx)
	if err != nil {
		return nil, err
	}
	return c.bridge.Open(ctx, who)
}

// reply is a successful answer: a text for models that read text, and the same
// as data.
type reply struct {
	text string
	data any
	// settle, if set, is told whether the reply left the process.
	settle func(left bool)
}

func (t *tool) declare() *mcp.Tool {
	no := false
	destructive := t.destructive
	return &mcp.Tool{
		Name:         t.name,
		Title:        t.title,
		Description:  t.description,
		InputSchema:  t.input,
		OutputSchema: t.output,
		Annotations: &mcp.ToolAnnotations{
			ReadOnlyHint:    t.readOnly,
			DestructiveHint: &destructive,
			IdempotentHint:  t.idempotent,
			OpenWorldHint:   &no,
		},
	}
}

// handler decodes, runs and encodes. Refusals are tool errors, which models
// see and can act on; protocol errors would be hidden from them.
func (t *tool) handler(h *host) mcp.ToolHandler {
	return func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ctx, call := callOf(ctx, req)
		args := parseArguments(req.Params.Arguments)
		answer, err := t.run(ctx, &invocation{call: call, host: h, message: req, args: args})
		if err != nil {
			return refusal(t.name, err, h.log), nil
		}
		result := &mcp.CallToolResult{
			Content:           []mcp.Content{&mcp.TextContent{Text: answer.text}},
			StructuredContent: answer.data,
		}
		if answer.settle != nil {
			call.onReply(result, answer.settle)
		}
		return result, nil
	}
}

// refusal shows an error that is meant to be shown, and hides any other.
func refusal(tool string, err error, log *slog.Logger) *mcp.CallToolResult {
	text := "internal error; the bridge's log has the cause, retrying may help"
	switch e, ok := errors.AsType[*agentbridge.Error](err); {
	case ok:
		text = agentbridge.InertLine(e.Error()) // it may name what the caller wrote
		if e.RetryAfter > 0 {
			text += "; retry after " + plural(int64(e.RetryAfter/time.Second), "second")
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		text = "cancelled before it was done"
	default:
		log.Error("tool call", "tool", tool, "error", err)
	}
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}
