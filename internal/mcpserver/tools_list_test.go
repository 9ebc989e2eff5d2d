package mcpserver

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

var update = flag.Bool("update", false, "rewrite testdata/tools.json")

// listTools returns what tools/list returns, as indented JSON in one order.
func listTools(t *testing.T, c *client) string {
	t.Helper()
	list, err := c.session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatalf("tools/list: %v", err)
	}
	raw, err := json.Marshal(list.Tools)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	indented, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(indented) + "\n"
}

// The file is what agents are told about the tools: whoever changes a word of
// it sees so in the review. Rewrite it with -update.
func TestToolsList_isTheSameAtEveryDoor(t *testing.T) {
	const golden = "testdata/tools.json"
	h := newHall(t)
	h.serve()
	if *update {
		if err := os.WriteFile(golden, []byte(listTools(t, h.enter(doors[0]))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range doors {
		if diff := cmp.Diff(string(want), listTools(t, h.enter(d))); diff != "" {
			t.Errorf("%s: tools/list (-%s +got; accept with -update):\n%s", d.name, golden, diff)
		}
	}
}

func TestToolsList_names(t *testing.T) {
	h := newHall(t)
	list, err := h.enter(doors[0]).session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	want := []string{
		"create_conversation", "send_to_partner", "check_messages", "update_my_status", "check_partner_status", // reference A
		"join_conversation",
		"bridge_send", "bridge_receive", "bridge_wait", "bridge_ack", "bridge_channels", "bridge_ping", "bridge_clear", "bridge_status", // reference B
	}
	slices.Sort(want)
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	for _, name := range names {
		if documented[name] == "" {
			t.Errorf("%s: the keys of its answer are not documented in the workshop", name)
		}
	}
}

// Every agent that connects pays for this with its context.
func TestToolsList_isSmall(t *testing.T) {
	h := newHall(t)
	p := h.stdio()
	p.say(legacyInit)
	p.want(`"id":0`)
	p.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if line := p.want(`"tools"`); len(line) > 16<<10 {
		t.Errorf("tools/list takes %d bytes, want at most %d", len(line), 16<<10)
	} else {
		t.Logf("tools/list takes %d bytes", len(line))
	}
}

// Some clients refuse, or silently leave out, tools with combinators in their
// schemas (reference B's v1.2 lost bridge_send and bridge_wait to that).
func TestToolsList_schemasAreFlat(t *testing.T) {
	for _, tool := range tools {
		for kind, raw := range map[string]json.RawMessage{"input": tool.input, "output": tool.output} {
			var schema jsonschema.Schema
			if err := json.Unmarshal(raw, &schema); err != nil {
				t.Fatalf("%s: %s schema: %v", tool.name, kind, err)
			}
			if _, err := schema.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true}); err != nil {
				t.Errorf("%s: %s schema: %v", tool.name, kind, err)
			}
			if schema.Type != "object" {
				t.Errorf("%s: %s schema is of type %q, want object", tool.name, kind, schema.Type)
			}
			for _, word := range []string{"oneOf", "anyOf", "allOf", `"not"`, `"if"`, "$ref"} {
				if strings.Contains(string(raw), word) {
					t.Errorf("%s: %s schema has a %s: %s", tool.name, kind, word, raw)
				}
			}
			if closed := schema.AdditionalProperties != nil; closed != (kind == "input") {
				t.Errorf("%s: %s schema forbids other properties: %v", tool.name, kind, closed)
			}
		}
	}
}

func TestToolsList_annotationsAreHonest(t *testing.T) {
	type hints struct{ readOnly, destructive, idempotent bool }
	want := map[string]hints{
		"create_conversation":  {},
		"join_conversation":    {}, // a code works once
		"send_to_partner":      {},
		"check_messages":       {}, // what it takes counts as read
		"update_my_status":     {idempotent: true},
		"check_partner_status": {idempotent: true},
		"bridge_send":          {},
		"bridge_receive":       {readOnly: true}, // only bridge_ack moves cursors
		"bridge_wait":          {readOnly: true},
		"bridge_ack":           {idempotent: true},
		"bridge_channels":      {readOnly: true},
		"bridge_ping":          {readOnly: true},
		"bridge_clear":         {destructive: true, idempotent: true},
		"bridge_status":        {readOnly: true},
	}
	h := newHall(t)
	list, err := h.enter(doors[0]).session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range list.Tools {
		a := tool.Annotations
		if a == nil || a.DestructiveHint == nil || a.OpenWorldHint == nil {
			t.Errorf("%s: annotations %+v, want all of them: what is left out means the worst", tool.Name, a)
			continue
		}
		if got := (hints{a.ReadOnlyHint, *a.DestructiveHint, a.IdempotentHint}); got != want[tool.Name] {
			t.Errorf("%s: hints %+v, want %+v", tool.Name, got, want[tool.Name])
		}
		if *a.OpenWorldHint || tool.Title == "" || tool.Description == "" {
			t.Errorf("%s: open world %v, title %q, description %q", tool.Name, *a.OpenWorldHint, tool.Title, tool.Description)
		}
	}
	if len(list.Tools) != len(want) {
		t.Errorf("%d tools, want %v", len(list.Tools), slices.Sorted(maps.Keys(want)))
	}
}

// What is not in the list is a mistake of the client's, not of its model.
func TestUnknownTool_isAProtocolError(t *testing.T) {
	h := newHall(t)
	h.serve()
	for _, d := range doors {
		c := h.enter(d)
		for _, name := range []string{"bridge_destroy", "BRIDGE_PING", ""} {
			result, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: name})
			if err == nil {
				t.Errorf("%s: call of %q = %+v, want a protocol error", d.name, name, result)
			}
		}
		c.must("bridge_ping", args{})
	}
}
