// This file is the workshop of the tool tests: the tools on a real bridge, the
// clients that call them, and what must be true of every answer.

package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// hall is where agents meet: the tools on a bridge, reachable by every door.
type hall struct {
	*bench
	bridge *bridgetest.Bridge
}

func newHall(t *testing.T) *hall {
	t.Helper()
	return newHallOn(t, bridgetest.Unlimited(t))
}

func newHallOn(t *testing.T, bridge *bridgetest.Bridge) *hall {
	t.Helper()
	server := New(bridge, Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Principal: local})
	return &hall{&bench{t: t, transports: server.transports}, bridge}
}

// local is who all clients of a hall act for.
func local(context.Context) (agentbridge.Principal, error) { return agentbridge.Local(), nil }

// door is a way in for a client of the SDK.
type door struct {
	name      string
	revision  string
	transport func(h *hall) mcp.Transport
}

var doors = []door{
	{"stdio", "2025-11-25", stdioDoor},
	{"stdio 2026-07-28", "2026-07-28", stdioDoor},
	{"mcp", "2025-11-25", mcpDoor},
	{"mcp 2026-07-28", "2026-07-28", mcpDoor},
	{"sse", "2024-11-05", func(h *hall) mcp.Transport {
		return &mcp.SSEClientTransport{Endpoint: h.url + "/sse", HTTPClient: h.client}
	}},
}

func mcpDoor(h *hall) mcp.Transport {
	return &mcp.StreamableClientTransport{Endpoint: h.url + "/mcp", HTTPClient: h.client}
}

func stdioDoor(h *hall) mcp.Transport {
	serverIn, in, err := os.Pipe()
	if err != nil {
		h.t.Fatal(err)
	}
	out, serverOut, err := os.Pipe()
	if err != nil {
		h.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- h.serveStdio(h.t.Context(), serverIn, serverOut) }()
	h.t.Cleanup(func() {
		in.Close()
		if err := <-done; err != nil {
			h.t.Errorf("serveStdio: %v", err)
		}
	})
	return &mcp.IOTransport{Reader: out, Writer: in}
}

// enter connects a client of the SDK.
func (h *hall) enter(d door) *client {
	h.t.Helper()
	impl := &mcp.Implementation{Name: "agent", Version: "1"}
	session, err := mcp.NewClient(impl, nil).Connect(h.t.Context(), d.transport(h), &mcp.ClientSessionOptions{ProtocolVersion: d.revision})
	if err != nil {
		h.t.Fatalf("%s: connect: %v", d.name, err)
	}
	h.t.Cleanup(func() { session.Close() })
	return &client{t: h.t, session: session, do: func(tool string, arguments any) (*mcp.CallToolResult, error) {
		return session.CallTool(h.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	}}
}

// wire connects a client on stdio that can say what the SDK's refuses to.
func (h *hall) wire() *client {
	h.t.Helper()
	p := h.stdio()
	p.say(legacyInit)
	p.want(`"id":0`)
	c := &client{t: h.t, process: p}
	c.do = func(tool string, arguments any) (*mcp.CallToolResult, error) {
		raw, isRaw := arguments.(string)
		if !isRaw {
			raw = encode(arguments)
		}
		p.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, raw))
		line := p.want("")
		c.size = len(line)
		return decodeResult([]byte(line))
	}
	return c
}

// decodeResult reads the response to a tools/call.
func decodeResult(line []byte) (*mcp.CallToolResult, error) {
	var response struct {
		Result *mcp.CallToolResult
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(line, &response); err != nil {
		return nil, fmt.Errorf("response %.300q: %w", line, err)
	}
	if response.Error != nil {
		return nil, fmt.Errorf("protocol error %d: %s", response.Error.Code, response.Error.Message)
	}
	if response.Result == nil {
		return nil, fmt.Errorf("response without result: %.300q", line)
	}
	return response.Result, nil
}

// args are the arguments of a call.
type args = map[string]any

// with returns arguments and some more, which win.
func with(a args, more args) args {
	out := maps.Clone(a)
	maps.Copy(out, more)
	return out
}

// client calls tools. Its must and refused end or fail the test.
type client struct {
	t       *testing.T
	do      func(tool string, arguments any) (*mcp.CallToolResult, error)
	session *mcp.ClientSession // of a client of the SDK
	process *process           // of one on the wire
	size    int                // bytes of the last response on the wire
}

// answer is what a tool said, as text and as data.
type answer struct {
	text string
	data map[string]any
}

func (a answer) str(key string) string { s, _ := a.data[key].(string); return s }
func (a answer) num(key string) int    { n, _ := a.data[key].(float64); return int(n) }
func (a answer) bool(key string) bool  { b, _ := a.data[key].(bool); return b }

// list returns a list of objects.
func (a answer) list(key string) (objects []answer) {
	items, _ := a.data[key].([]any)
	for _, item := range items {
		object, _ := item.(map[string]any)
		objects = append(objects, answer{data: object})
	}
	return objects
}

// column returns one key of each object of a list.
func (a answer) column(list, key string) []string {
	column := []string{}
	for _, object := range a.list(list) {
		column = append(column, fmt.Sprint(object.data[key]))
	}
	return column
}

// must calls a tool that succeeds, and checks the form of its answer.
func (c *client) must(tool string, arguments any) answer {
	c.t.Helper()
	a, err := c.try(tool, arguments)
	if err != nil {
		c.t.Fatalf("%s %s: %v", tool, short(arguments), err)
	}
	return a
}

// refusedError is the text of a tool error.
type refusedError string

func (e refusedError) Error() string { return "refused: " + string(e) }

// try calls a tool and returns its answer, a refusedError or another error.
func (c *client) try(tool string, arguments any) (answer, error) {
	result, err := c.do(tool, arguments)
	if err != nil {
		return answer{}, err
	}
	return readResult(tool, result)
}

// refused calls a tool that refuses with a text that has all the words.
func (c *client) refused(tool string, arguments any, words ...string) {
	c.t.Helper()
	_, err := c.try(tool, arguments)
	refusal, ok := errors.AsType[refusedError](err)
	if !ok {
		c.t.Errorf("%s %s: %v, want a refusal with %q", tool, short(arguments), err, words)
		return
	}
	for _, word := range words {
		if !strings.Contains(string(refusal), word) {
			c.t.Errorf("%s %s: %v, want %q in it", tool, short(arguments), err, word)
		}
	}
}

// readResult checks the form of an answer: one text, and data that has exactly
// the documented keys and fits the declared schema; or a refusal in one line.
func readResult(tool string, r *mcp.CallToolResult) (answer, error) {
	if len(r.Content) != 1 {
		return answer{}, fmt.Errorf("%d content blocks, want 1", len(r.Content))
	}
	block, ok := r.Content[0].(*mcp.TextContent)
	if !ok || block.Text == "" {
		return answer{}, fmt.Errorf("content %T, want a text", r.Content[0])
	}
	if r.IsError {
		if r.StructuredContent != nil || strings.Contains(block.Text, "\n") || len(block.Text) > 400 {
			return answer{}, fmt.Errorf("a refusal of %d bytes with data %v, want one line without: %.300q", len(block.Text), r.StructuredContent, block.Text)
		}
		return answer{}, refusedError(block.Text)
	}
	data, ok := r.StructuredContent.(map[string]any)
	if !ok {
		return answer{}, fmt.Errorf("data %T, want an object", r.StructuredContent)
	}
	return answer{block.Text, data}, errors.Join(checkKeys(tool, data), checkSchema(tool, data))
}

// documented are the keys of the answers; those with a question mark may be
// missing. Objects that are not listed are free.
var documented = map[string]string{
	"create_conversation":  "conversation_id expires_at invite invite_expires_at session_a_token? session_b_token? session_id",
	"join_conversation":    "conversation_id expires_at partner_role role session_b_token? session_id",
	"send_to_partner":      "deduplicated message_id sent_at seq to kinds? redacted? sanitized?",
	"check_messages":       "trust count messages remaining",
	"update_my_status":     "status",
	"check_partner_status": "age_seconds alive last_heartbeat role session_id status unread_by_partner",
	"bridge_send":          "channel deduplicated id sender seq timestamp kinds? redacted? sanitized?",
	"bridge_receive":       "trust channel consumer_id messages more next_cursor older? warning?",
	"bridge_wait":          "trust channel consumer_id messages more next_cursor timed_out warning?",
	"bridge_ack":           "advanced channel consumer_id last_message_id last_seq updated_at",
	"bridge_channels":      "channels next_channel total_channels total_messages",
	"bridge_ping":          "audit_checkpoint channels messages server_time service version",
	"bridge_clear":         "channel cleared",
	"bridge_status":        "trust channels next_channel",

	"check_messages.messages":         "suspicious? action_type files_involved from id message redelivered sent_at seq",
	"bridge_receive.messages":         recordKeys,
	"bridge_wait.messages":            recordKeys,
	"bridge_channels.channels":        "channel count last_timestamp",
	"bridge_status.channels":          "channel messages total",
	"bridge_status.channels.messages": recordKeys,
}

const recordKeys = "channel content encoding id message? parse_warning? sender seq suspicious? timestamp verified?"

func checkKeys(path string, v any) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := checkKeys(path, item); err != nil {
				return err
			}
		}
	case map[string]any:
		keys, listed := documented[path]
		if !listed {
			return nil
		}
		for _, key := range strings.Fields(keys) {
			if _, ok := v[strings.TrimSuffix(key, "?")]; !ok && !strings.HasSuffix(key, "?") {
				return fmt.Errorf("%s: the answer has no %q: %v", path, key, slices.Sorted(maps.Keys(v)))
			}
		}
		for key, child := range v {
			if !slices.Contains(strings.Fields(strings.ReplaceAll(keys, "?", "")), key) {
				return fmt.Errorf("%s: the answer has a %q, which is not documented", path, key)
			}
			if err := checkKeys(path+"."+key, child); err != nil {
				return err
			}
		}
	}
	return nil
}

var tools = append(slices.Clone(conversationTools), channelTools...)

func checkSchema(name string, data map[string]any) error {
	i := slices.IndexFunc(tools, func(t *tool) bool { return t.name == name })
	var schema jsonschema.Schema
	if err := json.Unmarshal(tools[i].output, &schema); err != nil {
		return fmt.Errorf("output schema of %s: %w", name, err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return fmt.Errorf("output schema of %s: %w", name, err)
	}
	return resolved.Validate(data)
}

// encode writes JSON as clients do, without escapes for HTML.
func encode(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // a test's own literal
	}
	return strings.TrimSpace(b.String())
}

// short shows arguments in a failure.
func short(arguments any) string {
	if raw, ok := arguments.(string); ok {
		return agentbridge.Preview(raw, 200)
	}
	return agentbridge.Preview(encode(arguments), 200)
}

// converse creates a conversation and returns both sides' credentials.
func (c *client) converse() (a, b args) {
	c.t.Helper()
	made := c.must("create_conversation", args{"my_role": "backend_developer", "partner_role": "frontend_developer"})
	seat := func(id string) args {
		return args{"conversation_id": made.str("conversation_id"), "session_id": id, "token": made.str("session_" + id + "_token")}
	}
	return seat("a"), seat("b")
}

// holdings is what can be seen of the store.
type holdings struct {
	audit              int64
	channels, messages int64
}

func (h *hall) holdings() holdings {
	h.t.Helper()
	health, err := h.bridge.Session().Ping(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	entries, err := h.bridge.Operator().Entries(h.t.Context(), agentbridge.EntryQuery{Limit: 1})
	if err != nil {
		h.t.Fatal(err)
	}
	state := holdings{channels: health.Channels, messages: health.Messages}
	if len(entries.Entries) > 0 {
		state.audit = entries.Entries[0].Seq
	}
	return state
}

// wantUnchanged checks that what f does stores nothing.
func (h *hall) wantUnchanged(what string, f func()) {
	h.t.Helper()
	before := h.holdings()
	f()
	if after := h.holdings(); after != before {
		h.t.Errorf("%s changed the store from %+v to %+v", what, before, after)
	}
}
