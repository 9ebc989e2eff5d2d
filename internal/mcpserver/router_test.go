package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestMCP_servesBothErasOnOneURL(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	for _, revision := range []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"} {
		resp, body := b.do("POST", "/mcp", strings.Replace(legacyInit, "2025-11-25", revision, 1), nil)
		wantStatus(t, "initialize "+revision, resp, body, 200, `"protocolVersion":"`+revision+`"`)
		session := headers{"Mcp-Session-Id": resp.Header.Get("Mcp-Session-Id"), "Mcp-Protocol-Version": revision}
		resp, body = b.do("POST", "/mcp", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, session)
		wantStatus(t, "initialized "+revision, resp, body, 202, "")
		resp, body = b.do("POST", "/mcp", legacyCall(1, "echo", "old"), session)
		wantStatus(t, "echo "+revision, resp, body, 200, `"text":"old"`)
	}
	resp, body := b.do("POST", "/mcp", modernCall(1, "echo", "new"), modernHeaders("echo"))
	wantStatus(t, "echo 2026-07-28", resp, body, 200, `"text":"new"`)
	if id := resp.Header.Get("Mcp-Session-Id"); id != "" {
		t.Errorf("2026-07-28: session %q, want none", id)
	}
	resp, body = b.do("POST", "/mcp", modernCall(1, "echo", "new"), nil)
	wantStatus(t, "2026-07-28 without its header", resp, body, 400, "-32020")
}

func TestMCP_statelessKeepsNoSessions(t *testing.T) {
	b := newBench(t, transportOptions{Stateless: true}).serve()
	for _, revision := range []string{"2024-11-05", "2025-06-18", "2025-11-25"} {
		resp, body := b.do("POST", "/mcp", strings.Replace(legacyInit, "2025-11-25", revision, 1), nil)
		wantStatus(t, "initialize "+revision, resp, body, 200, `"protocolVersion":"`+revision+`"`)
		if id := resp.Header.Get("Mcp-Session-Id"); id != "" {
			t.Errorf("initialize %s: session %q, want none", revision, id)
		}
		header := headers{"Mcp-Protocol-Version": revision}
		resp, body = b.do("POST", "/mcp", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, header)
		wantStatus(t, "initialized "+revision, resp, body, 202, "")
		resp, body = b.do("POST", "/mcp", legacyCall(1, "report", "old"), header)
		wantStatus(t, "report "+revision, resp, body, 200, `"text":"old"`)
		b.wantLeft(true)
	}
	resp, body := b.do("POST", "/mcp", modernCall(1, "echo", "new"), modernHeaders("echo"))
	wantStatus(t, "echo 2026-07-28", resp, body, 200, `"text":"new"`)
	for _, method := range []string{"GET", "DELETE"} {
		resp, body := b.do(method, "/mcp", "", headers{"Mcp-Session-Id": "x"})
		wantStatus(t, method, resp, body, 405, "method not allowed")
	}
}

func TestMCP_worksWithTheSDKsClients(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	for name, transport := range map[string]mcp.Transport{
		"mcp": &mcp.StreamableClientTransport{Endpoint: b.url + "/mcp", HTTPClient: b.client},
		"sse": &mcp.SSEClientTransport{Endpoint: b.url + "/sse", HTTPClient: b.client},
	} {
		client := mcp.NewClient(&mcp.Implementation{Name: "c", Version: "1"}, nil)
		session, err := client.Connect(t.Context(), transport, nil)
		if err != nil {
			t.Fatalf("%s: connect: %v", name, err)
		}
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "report", Arguments: map[string]any{"Text": "hi"}})
		if err != nil {
			t.Fatalf("%s: report: %v", name, err)
		}
		if got := result.Content[0].(*mcp.TextContent).Text; got != "hi" {
			t.Errorf("%s: report = %q, want hi", name, got)
		}
		b.wantLeft(true)
		session.Close()
	}
}

func TestMCP_methodsWithoutASession(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	for _, c := range []struct {
		method string
		h      headers
		status int
		allow  string
	}{
		{"GET", nil, 405, "POST"},
		{"DELETE", nil, 405, "POST"},
		{"GET", headers{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Session-Id": "x"}, 405, "POST"},
		{"PUT", nil, 405, "GET, POST, DELETE"},
		{"GET", headers{"Mcp-Session-Id": "unknown"}, 404, ""},
		{"DELETE", headers{"Mcp-Session-Id": "unknown"}, 404, ""},
	} {
		resp, body := b.do(c.method, "/mcp", "", c.h)
		if allow := resp.Header.Get("Allow"); resp.StatusCode != c.status || allow != c.allow {
			t.Errorf("%s %v: status %d Allow %q, want %d %q (%s)", c.method, c.h, resp.StatusCode, allow, c.status, c.allow, body)
		}
	}
	resp, body := b.do("POST", "/mcp", legacyCall(1, "echo", ""), nil)
	wantStatus(t, "call without session", resp, body, 400, "Missing session ID")
	resp, body = b.do("POST", "/mcp", legacyCall(1, "echo", ""), headers{"Mcp-Session-Id": "unknown"})
	wantStatus(t, "call with unknown session", resp, body, 404, "-32001")
}

// bombs are what an attacker, or a model, may send as a message. The value says how it is answered.
func bombs() map[string]struct {
	message string
	refused bool // with a parse error, before the SDK sees it
} {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	call := func(argument string) string {
		return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"Text":"ok","X":` + argument + `}}}`
	}
	type bomb = struct {
		message string
		refused bool
	}
	return map[string]bomb{
		"65 levels":             {call(nested(65 - 3)), true}, // three are the message's own
		"10,000 levels":         {call(nested(10_000)), true},
		"500,000 levels":        {call(nested(500_000)), true},
		"500,000 open brackets": {strings.Repeat("[", 500_000), true},
		"500,000 open objects":  {strings.Repeat(`{"a":`, 500_000), true}, // 2.5 MB: too large for HTTP
		"64 levels":             {call(nested(64 - 3)), false},
		"5,000 digits":          {call(strings.Repeat("9", 5_000)), false},
		"exponent":              {call("1e999999"), false},
		"lone surrogate":        {call(`"\ud800"`), false},
		"invalid UTF-8":         {call("\"\xff\xfe\""), true},
		"garbage":               {"what?", true},
		"half a message":        {`{"jsonrpc":"2.0","id":7`, true},
		"two messages":          {legacyCall(1, "echo", "") + legacyCall(2, "echo", ""), true},
	}
}

func TestMCP_survivesBombs(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	for name, bomb := range bombs() {
		resp, body := b.do("POST", "/mcp", bomb.message, session)
		switch {
		case len(bomb.message) > 1<<20:
			wantStatus(t, name, resp, body, 413, `{"error":"request body exceeds 1048576 bytes"}`)
		case bomb.refused:
			wantStatus(t, name, resp, body, 400, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,`)
		default:
			wantStatus(t, name, resp, body, 200, `"text":"ok"`)
		}
		modern := strings.Replace(bomb.message, `"arguments"`, `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"arguments"`, 1)
		resp, body = b.do("POST", "/mcp", modern, modernHeaders("echo"))
		if bomb.refused || strings.Contains(name, "digits") || name == "exponent" { // the SDK decodes all arguments to find the name
			if resp.StatusCode/100 != 4 || !strings.Contains(body, `"error"`) {
				t.Errorf("%s (2026-07-28): status %d, want 4xx with an error: %s", name, resp.StatusCode, body)
			}
		} else {
			wantStatus(t, name+" (2026-07-28)", resp, body, 200, `"text":"ok"`)
		}
	}
	for _, message := range []string{`{}`, `[]`, `7`, `null`, `{"jsonrpc":"1.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":` + strings.Repeat("9", 5000) + `,"method":"ping"}`} {
		resp, body := b.do("POST", "/mcp", message, session)
		wantStatus(t, message[:min(20, len(message))], resp, body, 400, `"code":-32600`)
	}
	resp, body := b.do("POST", "/mcp", legacyCall(1, "echo", "alive"), session)
	wantStatus(t, "echo afterwards", resp, body, 200, "alive")
}

// An answer is one JSON document, as reference B's always was, unless something
// had to be sent before it and the client takes events.
func TestMCP_takesWhatClientsAccept(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	const document, events = "application/json", "text/event-stream"
	for _, c := range []struct{ accept, tool, want string }{
		{"application/json, text/event-stream", "report", document},
		{"text/event-stream, application/json", "report", document},
		{"*/*", "report", document},
		{"", "report", document},
		{"application/json", "report", document},
		{"application/json, text/event-stream", "begin", events},
		{"*/*", "begin", events},
		{"", "begin", events},
		{"application/json", "begin", document},
	} {
		h := headers{"Accept": c.accept}
		for k, v := range session {
			h[k] = v
		}
		if c.tool == "begin" {
			b.release <- struct{}{}
		}
		name := fmt.Sprintf("%s with Accept: %s", c.tool, c.accept)
		resp, body := b.do("POST", "/mcp", legacyCall(1, c.tool, "ok"), h)
		wantStatus(t, name, resp, body, 200, `"result"`)
		if got := resp.Header.Get("Content-Type"); got != c.want {
			t.Errorf("%s: Content-Type %q, want %q", name, got, c.want)
		}
		if json.Valid([]byte(body)) != (c.want == document) {
			t.Errorf("%s: body %.100q", name, body)
		}
		b.wantLeft(true)
	}
}

func TestMCP_answersAnUnknownMethodByItsID(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	for _, id := range []string{`9`, `"nine"`} {
		resp, body := b.do("POST", "/mcp", `{"jsonrpc":"2.0","id":`+id+`,"method":"x/y"}`, session)
		wantStatus(t, "x/y", resp, body, 200, `{"jsonrpc":"2.0","id":`+id+`,"error":{"code":-32601,"message":"method not found`)
	}
	resp, body := b.do("POST", "/mcp", `{"jsonrpc":"2.0","method":"x/y"}`, session)
	wantStatus(t, "x/y as a notification", resp, body, 400, `"id":null`)
}

// Python's splitlines, with which some clients cut a stream into lines, takes
// U+0085 for a line end.
func TestMCP_writesNoLineEndsButItsOwn(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	sse := b.listenSSE()
	hostile := legacyCall(1, "echo", "a\u0085b\u2028c")
	b.post(sse, hostile)
	if line := sse.want(t, "result"); !strings.Contains(line, `a\u0085b\u2028c`) {
		t.Errorf("/sse: %q", line)
	}
	resp, body := b.do("POST", "/mcp", hostile, session)
	wantStatus(t, "echo", resp, body, 200, `a\u0085b\u2028c`)
}

func TestInitialize_isClampedToTheLastRevisionWithASession(t *testing.T) { // else the SDK sends it results of 2026-07-28
	b := newBench(t, transportOptions{}).serve()
	var seen string
	b.server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			result, err := next(ctx, method, req)
			if p, ok := req.GetParams().(*mcp.InitializeParams); ok {
				seen = p.ProtocolVersion
			}
			return result, err
		}
	})
	resp, body := b.do("POST", "/mcp", strings.Replace(legacyInit, "2025-11-25", "2026-07-28", 1), nil)
	wantStatus(t, "initialize", resp, body, 200, `"protocolVersion":"2025-11-25"`)
	if seen != "2025-11-25" {
		t.Errorf("the session believes in %q, want 2025-11-25", seen)
	}
}

func TestMCP_listsArePrivate(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	list := strings.NewReplacer("tools/call", "tools/list", `"name":"x","arguments":{"Text":""},`, "").Replace(modernCall(1, "x", ""))
	h := headers{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
	resp, body := b.do("POST", "/mcp", list, h)
	wantStatus(t, "tools/list", resp, body, 200, `"cacheScope":"private"`)
}

func TestMCP_callsAtOnce(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	answers := make(chan string)
	for i := range 20 {
		go func() {
			_, body := b.do("POST", "/mcp", legacyCall(i, "report", fmt.Sprintf("n%d.", i)), session)
			if !strings.Contains(body, fmt.Sprintf(`"id":%d,`, i)) || !strings.Contains(body, fmt.Sprintf("n%d.", i)) {
				answers <- fmt.Sprintf("call %d: %s", i, body)
				return
			}
			answers <- ""
		}()
	}
	for range 20 {
		if wrong := within(t, "answer", answers); wrong != "" {
			t.Error(wrong)
		}
		b.wantLeft(true)
	}
}
