package mcpserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// stand is a wire client with arguments that every tool accepts.
type stand struct {
	*client
	h    *hall
	base map[string]args
}

func newStand(t *testing.T) *stand {
	h := newHall(t)
	c := h.wire()
	a, _ := c.converse()
	sent := c.must("bridge_send", args{"channel": "stand", "sender": "s", "content": "x"})
	made := c.must("create_conversation", args{"my_role": "developer", "partner_role": "reviewer"})
	return &stand{c, h, map[string]args{
		"create_conversation":  {"my_role": "developer", "partner_role": "reviewer"},
		"join_conversation":    {"invite": made.str("invite")}, // once
		"send_to_partner":      with(a, args{"message": "x"}),
		"check_messages":       a,
		"update_my_status":     with(a, args{"status": "working"}),
		"check_partner_status": a,
		"bridge_send":          {"channel": "stand", "sender": "s", "content": "x"},
		"bridge_receive":       {"channel": "stand"},
		"bridge_wait":          {"channel": "stand", "consumer_id": "new"}, // something is there
		"bridge_ack":           {"channel": "stand", "consumer_id": "c", "message_id": sent.str("id")},
		"bridge_channels":      {},
		"bridge_ping":          {},
		"bridge_clear":         {"channel": "empty"},
		"bridge_status":        {},
	}}
}

// advice is what a refusal says besides the field: what would be right.
var advice = []string{"must", "is required", "it takes", "provide", "check", "use a new", "use check_messages", "acknowledge an id", "pass the last", "supported", "unknown field(s)"}

// wantRefused checks that a call is refused with the field's name and advice,
// and that nothing was stored.
func (s *stand) wantRefused(tool string, arguments any, field string) {
	s.t.Helper()
	s.h.wantUnchanged(tool+" "+short(arguments), func() {
		_, err := s.try(tool, arguments)
		refusal, ok := err.(refusedError)
		text := string(refusal)
		switch {
		case !ok:
			s.t.Errorf("%s %s: %v, want a refusal", tool, short(arguments), err)
		case !strings.HasPrefix(text, field):
			s.t.Errorf("%s %s: %v, want it to begin with %s", tool, short(arguments), err, field)
		case !slices.ContainsFunc(advice, func(word string) bool { return strings.Contains(text, word) }):
			s.t.Errorf("%s %s: %v, want it to say what to do", tool, short(arguments), err)
		}
	})
}

// limits are the rules of one argument: what is just allowed, and what is just
// not.
type limits struct {
	tool, field string
	allowed     []any
	refused     []any
	named       string // in the refusal, if not field
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }

// name are the limits of a name of at most n code points.
func name(tool, field string, n int) limits {
	l := reference(tool, field, n)
	l.allowed = append(l.allowed, "тест", "ｗｉｄｅ")
	l.refused = append(l.refused, "a\u200bb", "a\u202eb", "a\U000e0041", "a\ue000", "-a", ".a", "a/../b", "p\u0430yments")
	return l
}

// reference are the limits of an identifier that is no name.
func reference(tool, field string, n int) limits {
	return limits{tool, field,
		[]any{"x", repeat("x", n), repeat("é", n), repeat("🦜", n), "a \"quoted\" / <b>"},
		[]any{"", " x", "x\n", "a\nb", "a\u2028b", "a\x00b", "\x1b[2J", repeat("x", n+1), repeat("🦜", n+1)}, ""}
}

// word are the limits of a string that is one of a few.
func word(tool, field string, allowed ...any) limits {
	return limits{tool, field, allowed, []any{"other", "Working", "A", " "}, ""}
}

func (s *stand) limits() []limits {
	files := func(n int) []string { return slices.Repeat([]string{"main.go"}, n) }
	envelope := func(more args) args { return with(args{"schema_version": 1, "type": "t", "content": "x"}, more) }
	nested := func(n int) any {
		var v any = 1
		for range n {
			v = []any{v}
		}
		return v
	}
	id := s.base["bridge_ack"]["message_id"]
	token := s.base["check_messages"]["token"].(string)
	role := []any{"abc", "ééé", "🦜🦜🦜", repeat("x", 100), repeat("🦜", 100), `a "b" <c>`}
	noRole := []any{"", "ab", "🦜🦜", repeat("x", 101), repeat("🦜", 101), " abc", "a\nb c"}
	all := []limits{
		{"create_conversation", "my_role", role, noRole, ""},
		{"create_conversation", "partner_role", role, noRole, ""},
		{"join_conversation", "invite", nil, []any{"", "-", "7K3M", "7K3M-9QWE-R2T", "7K3M-9QWE-R2TU", "7K3M-9QWE-R2TX0", "7K3M_9QWE_R2TX", "7K3M-9QWE-R2T\n", repeat("🦜", 12)}, ""},
		{"send_to_partner", "message", []any{"", "\x00", repeat("x", 50_000), repeat("🦜", 50_000)}, []any{repeat("x", 50_001), repeat("🦜", 50_001)}, ""},
		word("send_to_partner", "action_type", "question", "info", "proposal", "blocked", "complete"),
		{"send_to_partner", "files_involved", []any{[]any{}, files(20), []string{repeat("x", 1024)}, []string{repeat("🦜", 1024)}},
			[]any{files(21), []string{""}, []string{" a"}, []string{"a\nb"}, []string{repeat("x", 1025)}, []any{1}, []any{nil}, []any{[]any{"a"}}}, ""},
		{"send_to_partner", "idempotency_key", []any{"x", repeat("é", 256)}, []any{"", " x", repeat("é", 257)}, ""},
		word("update_my_status", "status", "working", "waiting", "blocked", "complete"),
		name("bridge_send", "channel", 256),
		{"bridge_send", "channel", []any{"conv_0123456789abcdeg", "conv_"}, []any{"conv_0123456789abcdef"}, ""},
		name("bridge_send", "sender", 128),
		{"bridge_send", "content", []any{"x", " ", "x\x01", repeat("x", 131072), repeat("é", 65536)}, []any{"", "\x00", "\x01", "\u200b\x1b", repeat("x", 131073), repeat("é", 65536) + "x"}, ""},
		{"bridge_send", "idempotency_key", []any{"x", repeat("é", 256)}, []any{"", " x", "a\nb", repeat("é", 257)}, ""},
		name("bridge_receive", "channel", 256),
		reference("bridge_receive", "since_id", 256),
		name("bridge_receive", "consumer_id", 128),
		{"bridge_receive", "limit", []any{1, 1.0, 5e2, 500}, []any{0, -1, 501, 1.5, 1e300}, ""},
		name("bridge_wait", "channel", 256),
		reference("bridge_wait", "since_id", 256),
		{"bridge_wait", "consumer_id", []any{repeat("é", 128)}, []any{"", "a\nb", repeat("é", 129)}, ""},
		{"bridge_wait", "limit", []any{1, 500}, []any{0, 501}, ""},
		{"bridge_wait", "timeout_seconds", []any{0, 0.25, 55}, []any{-1, -0.001, 55.001, 56, 1e300}, ""},
		{"bridge_ack", "consumer_id", []any{repeat("é", 128)}, []any{"", "a\nb", repeat("é", 129)}, ""},
		{"bridge_ack", "message_id", []any{id}, []any{"", "a\nb", "unknown", repeat("x", 256), repeat("x", 257)}, ""},
		{"bridge_ack", "metadata", []any{args{}, args{"k": repeat("x", 16<<10-8)}}, []any{args{"k": repeat("x", 16<<10-7)}}, ""},
		reference("bridge_channels", "after_channel", 256),
		reference("bridge_status", "after_channel", 256),
		{"bridge_status", "per_channel", []any{-5, 0, 1, 50, 51, 1e9}, []any{1.5, 1e300, -1e300}, ""}, // brought into bounds, as in reference B
		name("bridge_clear", "channel", 256),
	}
	for _, tool := range []string{"send_to_partner", "check_messages", "update_my_status", "check_partner_status"} {
		all = append(all,
			limits{tool, "conversation_id", nil, []any{"", "conv_", "conv_0123456789ABCDEF", "conv_0123456789abcdef\n", "conv_a1b2c3d4e5f6g7h8"}, ""},
			limits{tool, "session_id", nil, []any{"", "c", "A", "ab"}, ""},
			limits{tool, "token", nil, []any{"", token[:63], token + "0", strings.ToUpper(token), repeat("é", 64), token[:63] + "\n"}, ""})
	}
	// The envelope as a message, instead of content.
	for field, values := range map[string]struct{ allowed, refused []any }{
		"type":        {[]any{"t", repeat("t", 64), "a.b_c-1"}, []any{nil, "", "T", "1", repeat("t", 65), 1}},
		"content":     {[]any{nil, "", 1, nested(16), repeat("x", 131072-100)}, []any{nested(17), repeat("x", 131072)}},
		"thread_id":   {[]any{nil, "x", repeat("é", 256)}, []any{"", " x", repeat("é", 257), 1}},
		"dedupe_key":  {[]any{nil, "d"}, []any{"", repeat("é", 257), 1}},
		"created_at":  {[]any{nil, "2026-07-28T12:00:00Z", "2026-07-28T12:00:00.5+02:00"}, []any{"", "now", "2026-07-28T12:00:00", 1}},
		"artifacts":   {[]any{nil, []any{}, slices.Repeat([]any{args{"uri": "file:///a", "size_bytes": 0}}, 32)}, []any{args{}, slices.Repeat([]any{args{"uri": "u"}}, 33), []any{1}, []any{args{}}, []any{args{"uri": "u", "size_bytes": -1}}, []any{args{"uri": "u", "x": 1}}}},
		"metadata":    {[]any{nil, args{}, args{"k": repeat("x", 16<<10-8)}}, []any{[]any{}, args{"k": repeat("x", 16<<10-7)}}},
		"extensions":  {[]any{nil, args{"k": repeat("x", 16<<10-8)}}, []any{"x", args{"k": repeat("x", 16<<10-7)}}},
		"a misspelt ": {nil, []any{1}},
	} {
		l := limits{tool: "bridge_send", field: "message", named: field}
		for _, v := range values.allowed {
			l.allowed = append(l.allowed, envelope(args{field: v}))
		}
		for _, v := range values.refused {
			l.refused = append(l.refused, envelope(args{field: v}))
		}
		if field == "a misspelt " {
			l.named = "message: unknown field(s): a misspelt "
		}
		all = append(all, l)
	}
	return append(all,
		limits{"bridge_send", "message", nil, []any{envelope(args{"schema_version": nil}), envelope(args{"schema_version": true}), args{}, args{"type": "t", "content": 1}}, "schema_version"},
		limits{"bridge_send", "message", nil, []any{envelope(args{"schema_version": 2})}, "message: unsupported"})
}

func TestTools_limits(t *testing.T) {
	s := newStand(t)
	for _, l := range s.limits() {
		base := s.base[l.tool]
		if l.tool == "bridge_send" && l.field == "message" {
			base = with(base, args{"content": nil})
		}
		for _, v := range l.allowed {
			s.must(l.tool, with(base, args{l.field: v}))
		}
		named := l.named
		if named == "" {
			named = l.field
		}
		for _, v := range l.refused {
			s.wantRefused(l.tool, with(base, args{l.field: v}), named)
		}
	}
}

func TestTools_exactlyOneBody(t *testing.T) {
	s := newStand(t)
	body := args{"schema_version": 1, "type": "t", "content": "x"}
	s.wantRefused("bridge_send", args{"channel": "c", "sender": "s"}, "content: provide exactly one of content or message")
	s.wantRefused("bridge_send", args{"channel": "c", "sender": "s", "content": nil, "message": nil}, "content: provide exactly one")
	s.wantRefused("bridge_send", args{"channel": "c", "sender": "s", "content": "x", "message": body}, "content: provide exactly one")
	s.wantRefused("bridge_wait", args{"channel": "stand"}, "cursor: waiting requires since_id or consumer_id")
	s.wantRefused("bridge_wait", args{"channel": "stand", "since_id": nil, "consumer_id": nil}, "cursor: waiting requires")
	s.must("bridge_wait", args{"channel": "stand", "since_id": "unknown", "consumer_id": "c"}) // since_id wins: stale
}

// A bound is written as a person would.
func TestTools_boundsAreReadable(t *testing.T) {
	s := newStand(t)
	s.refused("bridge_status", args{"per_channel": 1e12}, "must be -2147483648 to 2147483647")
	s.refused("bridge_wait", args{"channel": "c", "consumer_id": "c", "timeout_seconds": 56}, "must be 0 to 55")
}

// wrong are values that are not of a type.
var wrong = map[string][]any{
	"string":  {1, true, []any{}, args{}},
	"integer": {"5", "", true, []any{}, args{}},
	"number":  {"5", "", true, []any{}, args{}},
	"array":   {"a", 1, true, args{}},
	"object":  {"x", 1, true, []any{}},
}

// Every argument of every tool is missing, null and of every wrong type once.
func TestTools_wrongArguments(t *testing.T) {
	s := newStand(t)
	for _, tool := range tools {
		var schema struct {
			Properties map[string]struct{ Type string }
			Required   []string
		}
		if err := json.Unmarshal(tool.input, &schema); err != nil {
			t.Fatal(err)
		}
		base := s.base[tool.name]
		for field, property := range schema.Properties {
			for _, v := range wrong[property.Type] {
				s.wantRefused(tool.name, with(base, args{field: v}), field+": must be ")
			}
			without := maps.Clone(base)
			delete(without, field)
			null := with(base, args{field: nil})
			switch {
			case slices.Contains(schema.Required, field):
				s.wantRefused(tool.name, without, field+": is required")
				s.wantRefused(tool.name, null, field+": is required")
			case tool.name == "bridge_send" && field == "content", tool.name == "bridge_wait" && field == "consumer_id":
				// one of two; see TestTools_exactlyOneBody
			case field == "token", field == "sender": // needed by who has no name and none of them kept
				s.wantRefused(tool.name, without, field+": is required")
				s.wantRefused(tool.name, null, field+": is required")
			default:
				s.must(tool.name, without)
				s.must(tool.name, null)
			}
		}
		s.must(tool.name, base)
		s.wantRefused(tool.name, with(base, args{"sneaky\x1b[2J": 1}), `sneaky\x1b[2J: is not an argument of this tool; it takes `)
		s.wantRefused(tool.name, with(base, args{"": 1}), "is not an argument of this tool; it takes ")
		for _, v := range []string{`[]`, `"text"`, `7`, `true`} {
			s.wantRefused(tool.name, v, "arguments: must be an object")
		}
		s.wantRefused(tool.name, `{"a":1,"a":2}`, "arguments: must not name the key")
		if len(schema.Required) == 0 {
			s.must(tool.name, `null`)
		} else {
			s.wantRefused(tool.name, `null`, fmt.Sprintf("%s: is required", tool.first(schema.Required)))
			s.wantRefused(tool.name, `{}`, fmt.Sprintf("%s: is required", tool.first(schema.Required)))
		}
	}
}

// first is the required argument that a tool reads first: its own come before
// the credentials, so that what it is about is named first.
func (t *tool) first(required []string) string {
	own := slices.DeleteFunc(slices.Clone(required), func(name string) bool {
		return slices.ContainsFunc(credentials, func(p property) bool { return p.name == name })
	})
	return append(own, required...)[0]
}
