package mcpserver

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"agentbridge/bridgetest"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// FuzzTools gives any bytes as arguments to every tool. In them CONV, TOKEN and
// ID stand for what admits to a conversation and a message that exists, so that
// the fuzzer gets past the door. Whatever comes, the tool answers with a result
// of the documented form or with a refusal, and both are JSON.
func FuzzTools(f *testing.F) {
	for _, value := range poisons() {
		if len(value) < 1_000 {
			f.Add([]byte(value))
			f.Add([]byte(`{"channel":"c","sender":"s","message":` + value + `}`))
		}
	}
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{`, `{"":null}`, `{"my_role":"dev","partner_role":"ops"}`,
		`{"conversation_id":"CONV","session_id":"a","token":"TOKEN"}`,
		`{"conversation_id":"CONV","session_id":"b","token":"TOKEN","status":"working"}`,
		`{"conversation_id":"CONV","session_id":"a","token":"TOKEN","message":"x","files_involved":["a",null],"idempotency_key":"k"}`,
		`{"channel":"c","sender":"s","content":"x","idempotency_key":"k"}`,
		`{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":null,"artifacts":[{"uri":"u","sha256":""}]}}`,
		`{"channel":"c","since_id":"ID","consumer_id":"c","limit":1e0,"timeout_seconds":0.5}`,
		`{"channel":"c","consumer_id":"c","message_id":"ID","metadata":{"a":{"a":1}}}`,
		`{"per_channel":-1e9,"after_channel":"b"}`, `{"channel":"\ud83e\udd9c"}`, `{"channel":"conv_0123456789abcdef"}`,
	} {
		f.Add([]byte(seed))
	}
	bridge := bridgetest.New(f)
	alice, _ := bridge.Pair("backend_developer", "frontend_developer")
	sent := bridge.Agent("s").MustSend("c", "x")
	real := strings.NewReplacer("CONV", string(alice.Credential.Conversation), "TOKEN", string(alice.Credential.Token), "ID", string(sent.ID))
	log := slog.New(slog.DiscardHandler)
	gone, leave := context.WithCancel(f.Context())
	leave()

	f.Fuzz(func(t *testing.T, raw []byte) {
		arguments := json.RawMessage(real.Replace(string(raw)))
		for _, tool := range tools {
			ctx := t.Context()
			if tool.name == "bridge_wait" {
				ctx = gone // or it would wait
			}
			result, err := tool.handler(&host{bridge: bridge, log: log, principal: local})(ctx, &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: tool.name, Arguments: arguments}})
			if err != nil || result == nil {
				t.Fatalf("%s(%q) = %v, %v, want an answer", tool.name, arguments, result, err)
			}
			wire, err := json.Marshal(result)
			if err != nil || !utf8.Valid(wire) {
				t.Fatalf("%s(%q) can't be sent: %v", tool.name, arguments, err)
			}
			var back mcp.CallToolResult
			if err := json.Unmarshal(wire, &back); err != nil {
				t.Fatalf("%s(%q) answers %s: %v", tool.name, arguments, wire, err)
			}
			_, err = readResult(tool.name, &back)
			if _, refused := err.(refusedError); err != nil && !refused {
				t.Errorf("%s(%q): %v", tool.name, arguments, err)
			}
			if err != nil && strings.Contains(err.Error(), "internal error") {
				t.Errorf("%s(%q): %v, want a refusal that says what is wrong", tool.name, arguments, err)
			}
		}
	})
}
