package mcpserver

import (
	"testing"
)

func TestGuard_hostOriginAndMediaType(t *testing.T) {
	b := newBench(t, transportOptions{AllowedHosts: []string{"bridge.lan", "*.example.org"}, AllowedOrigins: []string{"https://ui.example.com"}}).serve()
	session := b.initialize()
	ping := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	const badHost, badOrigin, badType = `{"error":"invalid host header"}`, `{"error":"origin not allowed"}`, `{"error":"content-type must be application/json"}`
	for _, c := range []struct {
		name, method, path string
		h                  headers
		status             int
		text               string
	}{
		{"rebound name", "POST", "/mcp", headers{"Host": "evil.example.com"}, 400, badHost},
		{"rebound name, unknown path", "GET", "/x", headers{"Host": "evil.example.com"}, 400, badHost},
		{"name that begins like ours", "POST", "/mcp", headers{"Host": "localhost.evil.com"}, 400, badHost},
		{"domain itself is not below itself", "POST", "/mcp", headers{"Host": ".example.org"}, 400, badHost},
		{"GET from a foreign page", "GET", "/sse", headers{"Origin": "https://evil.example.com"}, 403, badOrigin},
		{"stream from a foreign page", "GET", "/mcp", headers{"Origin": "https://evil.example.com"}, 403, badOrigin},
		{"DELETE from a foreign page", "DELETE", "/mcp", headers{"Origin": "https://evil.example.com"}, 403, badOrigin},
		{"null origin", "POST", "/mcp", headers{"Origin": "null"}, 403, badOrigin},
		{"another port of ours", "POST", "/mcp", headers{"Origin": "http://127.0.0.1:1"}, 403, badOrigin},
		{"form", "POST", "/mcp", headers{"Content-Type": "text/plain"}, 415, badType},
		{"form to messages", "POST", "/messages/", headers{"Content-Type": "application/x-www-form-urlencoded"}, 415, badType},
		{"no type", "POST", "/mcp", headers{"Content-Type": ""}, 415, badType},
		{"unknown path", "GET", "/mcp/", nil, 404, `{"error":"not found"}`},

		{"plain", "POST", "/mcp", nil, 200, `"result"`},
		{"localhost with port", "POST", "/mcp", headers{"Host": "LocalHost:1"}, 200, `"result"`},
		{"another loopback address", "POST", "/mcp", headers{"Host": "127.0.0.2:8765"}, 200, `"result"`}, // serve --host 127.0.0.2
		{"an address that is not ours", "POST", "/mcp", headers{"Host": "192.0.2.1:8765"}, 400, badHost},
		{"IPv6", "POST", "/mcp", headers{"Host": "[::1]:8765"}, 200, `"result"`},
		{"IPv6 without port", "POST", "/mcp", headers{"Host": "[::1]"}, 200, `"result"`},
		{"allowed host", "POST", "/mcp", headers{"Host": "bridge.lan:8765"}, 200, `"result"`},
		{"allowed domain", "POST", "/mcp", headers{"Host": "a.b.example.org"}, 200, `"result"`},
		{"same origin", "POST", "/mcp", headers{"Host": "localhost:99", "Origin": "http://localhost:99"}, 200, `"result"`},
		{"allowed origin", "POST", "/mcp", headers{"Origin": "https://ui.example.com"}, 200, `"result"`},
		{"charset", "POST", "/mcp", headers{"Content-Type": "application/json; charset=utf-8"}, 200, `"result"`},
		{"json of a kind", "POST", "/mcp", headers{"Content-Type": "application/vnd.mcp+json"}, 200, `"result"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := headers{}
			for _, from := range []headers{session, c.h} {
				for k, v := range from {
					h[k] = v
				}
			}
			body := ""
			if c.method == "POST" {
				body = ping
			}
			resp, text := b.do(c.method, c.path, body, h)
			wantStatus(t, c.method+" "+c.path, resp, text, c.status, c.text)
		})
	}
}
