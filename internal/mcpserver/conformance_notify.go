//go:build conformance

package mcpserver

import (
	"context"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// pace is what lies between two notifications, so that they reach the client as two.
const pace = 50 * time.Millisecond

// addNotifyingTools adds tools that say something before they answer, and tools that change what the server
// offers.
func addNotifyingTools(s *mcp.Server) {
	offer(s,
		fixture{name: "test_tool_with_logging", description: "Writes three log messages to its client.", call: logThrice},
		fixture{name: "test_logging_tool", description: "Writes log messages to clients that have asked for them.", call: logThrice},
		fixture{name: "test_tool_with_progress", description: "Reports its progress three times.", call: progressThrice},
		fixture{name: "test_trigger_tool_change", description: "Changes the list of tools.", call: flickerTool(s)},
		fixture{name: "test_trigger_prompt_change", description: "Changes the list of prompts.", call: flickerPrompt(s)})
}

func logThrice(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	for i, message := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
		if err := pause(ctx, i); err != nil {
			return nil, err
		}
		if err := r.Session.Log(ctx, &mcp.LoggingMessageParams{Level: "info", Logger: r.Params.Name, Data: message}); err != nil {
			return nil, err
		}
	}
	return textResult("logged three messages"), nil
}

func progressThrice(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	token := r.Params.GetProgressToken()
	for i, progress := range []float64{0, 50, 100} {
		if err := pause(ctx, i); err != nil {
			return nil, err
		}
		if token == nil { // nobody wants to know
			continue
		}
		if err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: progress, Total: 100}); err != nil {
			return nil, err
		}
	}
	return textResult("done"), nil
}

// pause waits before all steps but the first.
func pause(ctx context.Context, step int) error {
	if step == 0 {
		return nil
	}
	select {
	case <-time.After(pace):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// flickerTool changes the list and changes it back, so that what runs next finds it as it was. Clients are told
// of a change either way.
func flickerTool(s *mcp.Server) mcp.ToolHandler {
	return func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		offer(s, returning("test_flicker", "Is there for a moment."))
		s.RemoveTools("test_flicker")
		return textResult("the list of tools has changed"), nil
	}
}

func flickerPrompt(s *mcp.Server) mcp.ToolHandler {
	return func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		s.AddPrompt(&mcp.Prompt{Name: "test_flicker"}, promptOf())
		s.RemovePrompts("test_flicker")
		return textResult("the list of prompts has changed"), nil
	}
}
