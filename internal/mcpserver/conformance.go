//go:build conformance

// This file and those named after it are the fixtures that the conformance suite of MCP calls: tools, resources
// and prompts whose names and answers it knows. They are in no build without the tag conformance, and they stand
// on the server and the transports of every other build, which is what the suite is to judge.

package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// WithFixtures returns the options of a server that also offers the fixtures.
func (o Options) WithFixtures() Options {
	o.fixtures = prepareFixtures
	return o
}

func prepareFixtures(o *mcp.ServerOptions) func(*mcp.Server) {
	// What is not named here follows from what is added, and tells clients when it changes.
	o.Capabilities = &mcp.ServerCapabilities{Logging: &mcp.LoggingCapabilities{}}
	o.CompletionHandler = completeWord
	o.SubscribeHandler = func(_ context.Context, r *mcp.SubscribeRequest) error { return knownURI(r.Params.URI) }
	o.UnsubscribeHandler = func(_ context.Context, r *mcp.UnsubscribeRequest) error { return knownURI(r.Params.URI) }
	return func(s *mcp.Server) {
		addContentTools(s)
		addNotifyingTools(s)
		addAskingTools(s)
		addSchemaTools(s)
		addResources(s)
		addPrompts(s)
	}
}

// completeWord completes the beginning of any argument from a few words.
func completeWord(_ context.Context, r *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
	values := []string{}
	for _, word := range []string{"tea", "test", "testing", "wait"} {
		if strings.HasPrefix(word, r.Params.Argument.Value) {
			values = append(values, word)
		}
	}
	return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: values, Total: len(values)}}, nil
}

// A fixture is one tool of the suite.
type fixture struct {
	name, description string
	input             json.RawMessage // nil if it takes no arguments
	call              mcp.ToolHandler
}

func offer(s *mcp.Server, tools ...fixture) {
	for _, t := range tools {
		if t.input == nil {
			t.input = input()
		}
		s.AddTool(&mcp.Tool{Name: t.name, Description: t.description, InputSchema: t.input}, t.call)
	}
}

// returning is a tool that always returns the same.
func returning(name, description string, content ...mcp.Content) fixture {
	return fixture{name: name, description: description, call: func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: content}, nil
	}}
}

func textResult(format string, args ...any) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf(format, args...)}}}
}

func invalid(format string, args ...any) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf(format, args...)}
}
