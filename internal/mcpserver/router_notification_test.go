package mcpserver

import "testing"

// The official TypeScript client of 2026-07-28 names the method of its requests
// in a header, and not that of its notifications. They were refused, and it
// reported an error to its user each time it ended a subscription.
func TestMCP_notificationsNeedNoMethodHeader(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	cancelled := `"method":"notifications/cancelled","params":{"requestId":7,` + meta + `}`
	for _, c := range []struct {
		name, message, method string
		status                int
		want                  string
	}{
		{"notification", `{"jsonrpc":"2.0",` + cancelled + `}`, "", 202, ""},
		{"notification that is named", `{"jsonrpc":"2.0",` + cancelled + `}`, "notifications/cancelled", 202, ""},
		{"notification that is named otherwise", `{"jsonrpc":"2.0",` + cancelled + `}`, "tools/list", 400, "-32020"},
		{"request", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{` + meta + `}}`, "", 400, "-32020"},
		{"request with the id null", `{"jsonrpc":"2.0","id":null,"method":"tools/list","params":{` + meta + `}}`, "", 400, ""},
	} {
		header := headers{"Mcp-Protocol-Version": "2026-07-28"}
		if c.method != "" {
			header["Mcp-Method"] = c.method
		}
		resp, body := b.do("POST", "/mcp", c.message, header)
		wantStatus(t, c.name, resp, body, c.status, c.want)
	}
}
