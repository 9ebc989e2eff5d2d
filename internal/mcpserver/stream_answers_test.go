package mcpserver

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// What is no plain answer to one message keeps the length that it has, however
// it is asked for.
func TestStream_otherAnswersAreWhole(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	b.server.AddTool(&mcp.Tool{Name: "progress", InputSchema: map[string]any{"type": "object"}}, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: "p", Progress: 1}); err != nil {
			return nil, err
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "do\u0085ne"}}}, nil
	})
	session := b.initialize()
	const both, plain = "application/json, text/event-stream", "application/json"
	for _, c := range []struct {
		name, accept, message string
		status                int
		contentType           string
		want                  []string // in this order
	}{
		{"string id", both, strings.Replace(legacyCall(1, "echo", "\u0085"), `"id":1`, `"id":"\u0085"`, 1), 200, plain, []string{`"id":"\u0085","result"`}},
		{"white space before it", both, " \r\n\t" + legacyCall(1, "echo", "x"), 200, plain, []string{`"id":1,"result"`}},
		{"mark before it", both, "\ufeff" + legacyCall(1, "echo", "x"), 400, plain, []string{"-32700"}},
		{"error of a tool", both, legacyCall(2, "begin and fail", ""), 200, "text/event-stream", []string{": ok", `"id":2,"error"`}},
		{"error of the protocol", both, legacyCall(3, "no\u0085tool", ""), 200, plain, []string{`"id":3,"error"`, `\u0085`}},
		{"unknown method", both, `{"jsonrpc":"2.0","id":4,"method":"no\u0085thing"}`, 200, plain, []string{`"id":4,"error":{"code":-32601`, `\u0085`}},
		{"progress first", both, legacyCall(5, "progress", ""), 200, "text/event-stream", []string{"notifications/progress", `"id":5,"result"`, `\u0085`}},
		{"progress that nobody takes", plain, legacyCall(6, "progress", ""), 200, plain, []string{`{"jsonrpc":"2.0","id":6,"result"`, `\u0085`}},
		{"notification", both, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}`, 202, "", nil},
		{"answer", both, `{"jsonrpc":"2.0","id":77,"result":{}}`, 202, "", nil},
		{"batch", both, "[" + legacyCall(8, "echo", "x") + "]", 400, plain, []string{"-32600"}},
	} {
		h := maps.Clone(session)
		h["Accept"] = c.accept
		resp, body := b.do("POST", "/mcp", c.message, h)
		wantStatus(t, c.name, resp, body, c.status, strings.Join(c.want[:min(1, len(c.want))], ""))
		if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, c.contentType) || c.contentType == "" && got != "" {
			t.Errorf("%s: Content-Type %q", c.name, got)
		}
		rest := body
		for _, want := range c.want {
			var ok bool
			if _, rest, ok = strings.Cut(rest, want); !ok {
				t.Errorf("%s: %s, want %q", c.name, body, c.want)
				break
			}
		}
		if c.contentType == plain && !json.Valid([]byte(body)) {
			t.Errorf("%s: %s is not one JSON document", c.name, body)
		}
	}
}

// A batch of 2025-03-26 has as many answers as come, and no length.
func TestStream_batchOfOne(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	resp, body := b.do("POST", "/mcp", strings.Replace(legacyInit, "2025-11-25", "2025-03-26", 1), nil)
	wantStatus(t, "initialize", resp, body, 200, "2025-03-26")
	h := headers{"Mcp-Session-Id": resp.Header.Get("Mcp-Session-Id")}
	for _, calls := range []string{legacyCall(1, "echo", "one"), legacyCall(2, "echo", "one") + "," + legacyCall(3, "echo", "two")} {
		resp, body := b.do("POST", "/mcp", "["+calls+"]", h)
		wantStatus(t, calls, resp, body, 200, `"text":"one"`)
		if n := strings.Count(body, `"result"`); n != strings.Count(calls, "tools/call") || resp.ContentLength >= 0 {
			t.Errorf("batch: %d answers, Content-Length %d: %s", n, resp.ContentLength, body)
		}
	}
}
