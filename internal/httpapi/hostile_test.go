package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
)

// poison is content on which readers of reference B, or of anything that calls
// itself JSON, have died. Parsed tells whether it is shown as JSON too.
var poison = []struct {
	name, content string
	parsed        bool
}{
	{"5,000 digits", strings.Repeat("1", 5000), false},
	{"5,000 digits in an array", "[" + strings.Repeat("1", 5000) + "]", false},
	{"5,000 digits in an object", `{"n":` + strings.Repeat("1", 5000) + `}`, false},
	{"a large integer", `[123456789012345678901234567890]`, true},
	{"1e999", `[1e999]`, false},
	{"-1e999", `[-1e999]`, false},
	{"NaN", `[NaN]`, false},
	{"Infinity", `[-Infinity]`, false},
	{"a lone surrogate", `{"k":"\ud800"}`, false},
	{"duplicate keys", `{"k":1,"k":2}`, false},
	{"nested 1,000 deep", strings.Repeat("[", 1000) + strings.Repeat("]", 1000), false},
	{"nested 60,000 deep", strings.Repeat("[", 60_000) + strings.Repeat("]", 60_000), false},
	{"open for ever", strings.Repeat("[", agentbridge.MaxContent), false},
	{"an envelope that is none", `{"schema_version":1,"type":"T","content":1}`, true},
	{"an envelope of version 5,000 digits", `{"schema_version":` + strings.Repeat("9", 5000) + `,"type":"t","content":1}`, false},
	{"frames of an event stream", "x\r\n\r\nevent: clear\r\ndata: {}\r\n\r\nid: 1\r\n\r\n", false},
	{"only a carriage return", "\r", false},
	{"line separators", "a\u2028b\u2029c\u0085d", false},
	{"markup", `</script><script>alert(1)</script><!--`, false},
	{"terminal control", "\x1b[2J\x1b]0;title\a\x7f", false},
	{"bidi and zero width", "\u202eabc\u200b\ufeff", false},
	{"control characters only", "\x01\u200b\x7f", false},
	{"all of the limit, all escaped", strings.Repeat(`"`, agentbridge.MaxContent), false},
	{"all of the limit, all control", strings.Repeat("\x01", agentbridge.MaxContent), false},
	{"half a plane", "\U0010FFFF\uFFFF\uFFFD", false},
}

// Whatever was stored can be read by every way there is, unchanged, and spoils
// no answer about other channels. That holds for what is sent today and for
// rows that are older than Clean.
func TestHostile_contentIsReadable(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for i, p := range poison {
		t.Run(p.name, func(t *testing.T) {
			h.t = t
			channel := fmt.Sprint("c", i)
			if stored, _ := bridgetest.Stored(t, p.content); stored == "" {
				h.post("/api/send", encode(t, object{"channel": channel, "sender": "s", "content": p.content})).
					wantRefused(400, "content: must hold more than control and invisible characters", "content", agentbridge.Required)
			} else {
				sent := h.mustSend(channel, "s", p.content)
				h.wantReadable(channel, sent.ID, stored, p.parsed)
			}
			older, err := h.bridge.Older(agentbridge.ChannelName(channel+" older"), "s", p.content)
			if err != nil {
				t.Fatal(err)
			}
			h.wantReadable(string(older.Channel), older.ID, p.content, p.parsed)
		})
	}
	h.t = t
	for _, path := range []string{"/api/state", "/api/overview", "/api/channels"} {
		if a := h.get(path); a.status != 200 || len(a.object()["channels"].([]any)) == 0 {
			t.Errorf("%s = %d %.200s", a.call, a.status, a.body)
		}
	}
}

// wantReadable checks that a channel's only message has this content, whichever
// way it is read.
func (h *hall) wantReadable(channel string, id agentbridge.MessageID, content string, parsed bool) {
	h.t.Helper()
	for path, column := range map[string]struct{ name, want string }{
		query("/api/messages", "full", "1", "channel", channel):    {"content", content},
		query("/api/messages", "channel", channel):                 {"preview", agentbridge.Preview(content, 200)},
		query("/api/wait", "consumer_id", "x", "channel", channel): {"content", content},
	} {
		if got := texts(h.get(path), column.name); len(got) != 1 || got[0] != column.want {
			h.t.Errorf("%s = %.200q, want %.200q", path, got, column.want)
		}
	}
	stream := h.streamOf(channel, agentbridge.Mark(0))
	if got := stream.wantMessage(); got.Content != content || got.ID != id {
		h.t.Errorf("stream = %.200q, want %.200q", got.Content, content)
	}
	stream.close()
	detail := h.get("/api/messages/" + string(id)).object()
	if detail["content"] != content || (detail["content_parsed"] != nil) != parsed || fmt.Sprint(detail["bytes"]) != fmt.Sprint(len(content)) {
		h.t.Errorf("detail: content_parsed %.100v, want it %v", detail["content_parsed"], parsed)
	}
}

// The same in every other field: refused by name or harmless, and never an
// internal error.
func TestHostile_everyField(t *testing.T) {
	h := newHall(t, httpapi.Options{Audit: true})
	for _, p := range poison {
		value := encode(t, p.content)
		for _, c := range []struct{ path, body string }{
			{"/api/send", `{"channel":%s,"sender":"s","content":"x"}`},
			{"/api/send", `{"channel":"c","sender":%s,"content":"x"}`},
			{"/api/send", `{"channel":"c","sender":"s","content":"x","idempotency_key":%s}`},
			{"/api/send", `{"channel":"c","sender":"s","message":%s}`},
			{"/api/send", `{"channel":"c","sender":"s","message":{"schema_version":1,"type":%s,"content":1}}`},
			{"/api/send", `{"channel":"c","sender":"s","message":{"schema_version":%s,"type":"t","content":1}}`},
			{"/api/send", `{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":1,"recipient":%s}}`},
			{"/api/ack", `{"channel":"c","consumer_id":"b","message_id":%s}`},
			{"/api/ack", `{"channel":"c","consumer_id":%s,"message_id":"m"}`},
			{"/api/clear", `{"channel":%s}`},
			{"/api/conversations", `{"my_role":%s,"partner_role":"reviewer"}`},
		} {
			a := h.post(c.path, fmt.Sprintf(c.body, value))
			if a.status >= 500 || a.status != 200 && str(a.object()["error"]) == "" {
				t.Errorf("%s with %s = %d %.300s", c.path, p.name, a.status, a.body)
			}
		}
		for _, path := range []string{"/api/messages?channel=%s", "/api/messages?channel=c&since_id=%s", "/api/messages?channel=c&consumer_id=%s", "/api/messages?channel=c&limit=%s",
			"/api/messages?channel=c&before_seq=%s", "/api/messages?channel=c&max_bytes=%s", "/api/messages?channel=c&full=%s", "/api/messages/%s",
			"/api/wait?timeout_seconds=0&channel=c&since_id=%s", "/api/wait?channel=c&consumer_id=x&timeout_seconds=%s0x", "/api/wait?timeout_seconds=0&channel=c&consumer_id=x&limit=%s",
			"/api/channels?after_channel=%s", "/api/overview?per_channel=%s", "/api/audit?limit=%s", "/api/audit?before=%s",
			"/api/audit?channel=%s", "/api/audit?actor=%s", "/api/audit?event=%s", "/api/audit?outcome=%s", "/api/audit?since=%s", "/api/audit?until=%s", "/api/events?since_seq=%sx", "/api/events?topics=a,%s%%0A"} {
			if len(p.content) > 10_000 {
				continue // a request line is bounded by net/http
			}
			a := h.get(fmt.Sprintf(path, percent(p.content)))
			if a.status >= 500 || a.status != 200 && str(a.object()["error"]) == "" {
				t.Errorf("%s with %s = %d %.300s", path, p.name, a.status, a.body)
			}
		}
	}
	if log := h.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("logged: %.1000s", log)
	}
}

// percent writes every byte of a text as an escape.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// Bodies on which two readers could see two different messages, and bodies that
// are no JSON.
func TestHostile_bodies(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for name, c := range map[string]struct {
		body string
		code agentbridge.Code
	}{
		"a key twice":                   {`{"channel":"c","sender":"s","content":"x","content":"y"}`, "invalid_json"},
		"a key twice, once escaped":     {`{"channel":"c","sender":"s","content":"x","c\u006fntent":"y"}`, "invalid_json"},
		"a key twice in the envelope":   {`{"channel":"c","sender":"s","message":{"schema_version":1,"type":"a","type":"b","content":1}}`, "invalid_json"},
		"NaN":                           {`{"channel":"c","sender":"s","message":{"schema_version":1,"type":"a","content":NaN}}`, "invalid_json"},
		"5,000 digits":                  {`{"channel":"c","sender":"s","message":{"schema_version":1,"type":"a","content":` + strings.Repeat("1", 5000) + `}}`, "out_of_range"},
		"1e999":                         {`{"channel":"c","sender":"s","message":{"schema_version":1,"type":"a","content":1e999}}`, "out_of_range"},
		"a lone surrogate":              {`{"channel":"c","sender":"s","content":"\ud800"}`, "invalid_utf8"},
		"a lone surrogate in the name":  {`{"channel":"\udc00","sender":"s","content":"x"}`, "invalid_utf8"},
		"broken UTF-8":                  {"{\"channel\":\"c\",\"sender\":\"s\",\"content\":\"\xff\"}", "invalid_utf8"},
		"something behind the object":   {`{"channel":"c","sender":"s","content":"x"} x`, "invalid_json"},
		"a byte order mark inside":      {`{"channel":"c",` + "\ufeff" + `"sender":"s","content":"x"}`, "invalid_json"},
		"single quotes":                 {`{'channel':'c','sender':'s','content':'x'}`, "invalid_json"},
		"a comma too many":              {`{"channel":"c","sender":"s","content":"x",}`, "invalid_json"},
		"a raw newline in a string":     {"{\"channel\":\"c\",\"sender\":\"s\",\"content\":\"a\nb\"}", "invalid_json"},
		"open objects without an end":   {strings.Repeat(`{"a":`, 20_000), "too_deep"},
		"cut in the middle of a string": {`{"channel":"c","sender":"s","content":"x`, "invalid_json"},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			a := h.post("/api/send", c.body)
			body := a.object()
			if a.status != 400 || str(body["code"]) != string(c.code) || c.code != "too_deep" && body["error"] != "invalid JSON body" || body["message"] == nil {
				t.Errorf("%s = %d %s, want 400 %s", a.call, a.status, a.body, c.code)
			}
		})
	}
	h.t = t
	h.wantStored("c")
}

// A name may look like a path that goes down, and must come out as it went in.
func TestHostile_channelNames(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for _, name := range []string{"a/b", "a//b", "a/./b", "a..b", "/lead", "trail/", "a%2Fb", "a b", "a?b", "a#b", "a&b=c", "a;b", "ü/日本", "a,b", "*", "events/channel/x", "a\\b", "100%"} {
		h.mustSend(name, "s", "in "+name)
		if got := texts(h.get(query("/api/messages", "channel", name)), "preview"); len(got) != 1 || got[0] != "in "+name {
			t.Errorf("channel %q: listing %v", name, got)
		}
		stream := h.streamOf(name, agentbridge.Mark(0))
		if got := stream.wantMessage(); got.Content != "in "+name || string(got.Channel) != name {
			t.Errorf("channel %q: stream %+v", name, got)
		}
		stream.close()
	}
	for _, path := range []string{"/events/channel/a%0Ab", "/events/channel/a%0D%0Aevent:%20x", "/events/channel/%00", "/events/channel/a%E2%80%A8b"} {
		h.get(path).wantRefused(http.StatusBadRequest, "must not contain control characters", "channel", "control_character")
	}
	for _, path := range []string{"/events/channel/..", "/events/channel/../x", "/events/channel/%2e%2e%2fx", "/events/channel/.hidden", "/events/channel/-rf", "/events/channel/a/../b"} {
		if a := h.get(path); a.status != 400 || a.object()["field"] != "channel" || a.object()["code"] != "invalid_format" {
			t.Errorf("%s = %d %s, want a refusal: such a name means something else to a shell or a file system", a.call, a.status, a.body)
		}
	}
	h.get("/events/channel/").wantRefused(400, "must not be empty", "channel", "required")
	h.get("/events/channel/%20a").wantRefused(400, "must not start or end with whitespace", "channel", "surrounding_whitespace")
	h.get("/events/channel/%FF").wantRefused(400, "must be valid UTF-8", "channel", "invalid_utf8")
	h.get("/events/channel/"+strings.Repeat("x", 257)).wantRefused(400, "must be at most 256 characters", "channel", "too_long")
	if a := h.get("/events/channel/conv_0123456789abcdef"); a.status != 400 || a.object()["code"] != "reserved_name" {
		t.Errorf("%s = %d %s, want a refusal: conversations are private", a.call, a.status, a.body)
	}
}
