package mcpserver

import (
	"encoding/json"
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// A tool reads all of its arguments and asks once; what it hears is the first
// fault.
func TestArguments_firstFault(t *testing.T) {
	a := parseArguments(json.RawMessage(`{"a":1,"b":2,"c":"x"}`))
	a.optional("a")
	a.strings("b")
	a.integer("c", 0, 0, 1)
	if err := a.done(); err == nil || err.Error() != "a: must be a string" {
		t.Errorf("done() = %v, want the fault of a", err)
	}
}

func TestArguments_values(t *testing.T) {
	a := parseArguments(json.RawMessage(`{"s":"x","n":1.5,"i":2e1,"o":{"k":[]},"l":["x",""],"null":null}`))
	s, given := a.optional("s")
	_, none := a.optional("null")
	object, _ := a.object("o")
	got := []any{s, given, none, a.number("n", 0, 0, 2), a.integer("i", 0, 0, 20), a.integer("missing", 7, 0, 9), a.number("null", 0.5, 1, 2), object, a.strings("l"), a.strings("null")}
	want := []any{"x", true, false, 1.5, 20, 7, 0.5, map[string]any{"k": []any{}}, []string{"x", ""}, []string(nil)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if err := a.done(); err != nil {
		t.Errorf("done() = %v, want nil", err)
	}
}

func TestArguments_areAnObject(t *testing.T) {
	for raw, want := range map[string]agentbridge.Code{
		"":             "",
		"null":         "",
		"{}":           "",
		"[]":           agentbridge.InvalidType,
		`"{}"`:         agentbridge.InvalidType,
		"{} {}":        agentbridge.InvalidJSON,
		"{":            agentbridge.InvalidJSON,
		`{"a":"\xff"}`: agentbridge.InvalidJSON,
		"{\"a\":\xff}": agentbridge.InvalidUTF8,
		`{"a":1e999}`:  agentbridge.OutOfRange,
	} {
		a := parseArguments(json.RawMessage(raw))
		a.get("a")
		if got := agentbridge.CodeOf(a.done()); got != want {
			t.Errorf("arguments %q: refused as %q, want %q", raw, got, want)
		}
	}
}

func TestArguments_unknown(t *testing.T) {
	a := parseArguments(json.RawMessage(`{"known":1,"unknown":2}`))
	a.number("known", 0, 0, 9)
	a.optional("other")
	const want = "unknown: is not an argument of this tool; it takes known, other"
	if err := a.done(); err == nil || err.Error() != want {
		t.Errorf("done() = %v, want %q", err, want)
	}
}
