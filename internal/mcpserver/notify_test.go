package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// What a server says unasked takes other ways through the SDK than an answer does, and passes the same streams.

func TestMCP_tellsStreamsOfAChange(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	old := b.start("GET", "/mcp", "", b.initialize())
	defer old.cancel()
	old.want(t, "ok") // it is open
	listen := b.start("POST", "/mcp", `{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},`+
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		headers{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"})
	defer listen.cancel()
	listen.want(t, "notifications/subscriptions/acknowledged")

	b.server.RemoveTools("big")

	old.want(t, "notifications/tools/list_changed")
	if line := listen.want(t, "notifications/tools/list_changed"); !strings.Contains(line, `"io.modelcontextprotocol/subscriptionId":7`) {
		t.Errorf("listening: %s, want the id of the subscription", line)
	}
}

func TestMCP_asksAnOlderClientOnTheStreamOfItsCall(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	b.server.AddTool(&mcp.Tool{Name: "ask", InputSchema: map[string]any{"type": "object"}}, func(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if answer, ok := r.Params.InputResponses["q"].(*mcp.ElicitResult); ok {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "the user says " + answer.Action}}}, nil
		}
		return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"q": &mcp.ElicitParams{Mode: "form", Message: "well?"}}}, nil
	})
	resp, body := b.do("POST", "/mcp", strings.Replace(legacyInit, `"capabilities":{}`, `"capabilities":{"elicitation":{}}`, 1), nil)
	wantStatus(t, "initialize", resp, body, 200, "result")
	h := headers{"Mcp-Session-Id": resp.Header.Get("Mcp-Session-Id"), "Mcp-Protocol-Version": "2025-11-25"}
	resp, body = b.do("POST", "/mcp", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, h)
	wantStatus(t, "initialized", resp, body, 202, "")

	call := b.start("POST", "/mcp", legacyCall(1, "ask", ""), h)
	defer call.cancel()
	var question struct{ ID json.RawMessage }
	line := call.want(t, "elicitation/create")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &question); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	resp, body = b.do("POST", "/mcp", fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"decline"}}`, question.ID), h)
	wantStatus(t, "answer of the user", resp, body, 202, "")
	call.want(t, "the user says decline")
	call.wantEnd(t)
}
