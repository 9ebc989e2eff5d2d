package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/httpapi"
)

// Row POST /api/send.
func TestSend_answer(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	a := h.post("/api/send", `{"channel":"c","sender":"s","content":"hello"}`)
	body := a.wantKeys("id", "seq", "channel", "ts", "deduplicated")
	if a.status != 200 || body["channel"] != "c" || body["deduplicated"] != false {
		t.Errorf("%s = %d %s", a.call, a.status, a.body)
	}
	wantTime(t, "ts", body["ts"])
	detail := h.get("/api/messages/" + str(body["id"])).object()
	if detail["sender"] != "s" || detail["content"] != "hello" || detail["seq"] != body["seq"] || detail["ts"] != body["ts"] {
		t.Errorf("sent %s, read %v", a.body, detail)
	}
}

func TestSend_envelope(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.post("/api/send", `{"channel":"c","sender":"s","message":{"type":"task","schema_version":1,"content":{"b":1,"a":2}}}`).wantKeys("id", "seq", "channel", "ts", "deduplicated")
	h.wantStored("c", `{"content":{"a":2,"b":1},"schema_version":1,"type":"task"}`)
}

func TestSend_unknownFieldsAreIgnored(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.post("/api/send", `{"channel":"c","sender":"s","content":"x","colour":"blue","idempotency_key":null}`).wantKeys("id", "seq", "channel", "ts", "deduplicated")
	h.wantStored("c", "x")
}

func TestSend_idempotency(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	const first = `{"channel":"c","sender":"s","content":"x","idempotency_key":"k"}`
	one, two := h.post("/api/send", first).object(), h.post("/api/send", first).object()
	if two["deduplicated"] != true || two["id"] != one["id"] || two["seq"] != one["seq"] || two["ts"] != one["ts"] {
		t.Errorf("sent again = %v, want the first answer: %v", two, one)
	}
	h.post("/api/send", `{"channel":"c","sender":"s","content":"y","idempotency_key":"k"}`).wantRefused(409,
		"idempotency_key: was already used for different message content; use a new key for a new message", "idempotency_key", "conflict")
	h.wantStored("c", "x")
}

func TestSend_refusals(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	const both = "content: provide exactly one of content or message"
	envelope := func(fields string) string {
		return `{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":1,` + fields + `}}`
	}
	for _, c := range []struct {
		name, body  string
		status      int
		text, field string
		code        agentbridge.Code
	}{
		{"nothing", ``, 400, "invalid JSON body", "body", "invalid_json"},
		{"no JSON", `not json`, 400, "invalid JSON body", "body", "invalid_json"},
		{"two values", `{}{}`, 400, "invalid JSON body", "body", "invalid_json"},
		{"an array", `[]`, 400, "JSON body must be an object", "body", "invalid_type"},
		{"null", `null`, 400, "JSON body must be an object", "body", "invalid_type"},
		{"no channel", `{}`, 400, "channel: must be a string", "channel", "invalid_type"},
		{"empty channel", `{"channel":"","sender":"s","content":"x"}`, 400, "channel: must not be empty", "channel", "required"},
		{"channel a number", `{"channel":1,"sender":"s","content":"x"}`, 400, "channel: must be a string", "channel", "invalid_type"},
		{"channel with space", `{"channel":"c ","sender":"s","content":"x"}`, 400, "channel: must not start or end with whitespace", "channel", "surrounding_whitespace"},
		{"channel too long", fmt.Sprintf(`{"channel":%q,"sender":"s","content":"x"}`, strings.Repeat("é", 257)), 400, "channel: must be at most 256 characters", "channel", "too_long"},
		{"channel with a newline", `{"channel":"a\nb","sender":"s","content":"x"}`, 400, "channel: must not contain control characters", "channel", "control_character"},
		{"no sender", `{"channel":"c","content":"x"}`, 400, "sender: must be a string", "sender", "invalid_type"},
		{"sender too long", fmt.Sprintf(`{"channel":"c","sender":%q,"content":"x"}`, strings.Repeat("x", 129)), 400, "sender: must be at most 128 characters", "sender", "too_long"},
		{"neither", `{"channel":"c","sender":"s"}`, 400, both, "content", "required"},
		{"both", `{"channel":"c","sender":"s","content":"x","message":{}}`, 400, both, "content", "required"},
		{"both, if only null", `{"channel":"c","sender":"s","content":"x","message":null}`, 400, both, "content", "required"},
		{"content null", `{"channel":"c","sender":"s","content":null}`, 400, "content: must be a string", "content", "invalid_type"},
		{"content an object", `{"channel":"c","sender":"s","content":{}}`, 400, "content: must be a string", "content", "invalid_type"},
		{"content empty", `{"channel":"c","sender":"s","content":""}`, 400, "content: must not be empty", "content", "required"},
		{"content with NUL", `{"channel":"c","sender":"s","content":"a\u0000b"}`, 400, "content: must not contain NUL bytes", "content", "nul_byte"},
		{"content too large", fmt.Sprintf(`{"channel":"c","sender":"s","content":%q}`, strings.Repeat("x", 131073)), 413, "content exceeds 131072 bytes", "content", "too_large"},
		{"content too large in bytes", fmt.Sprintf(`{"channel":"c","sender":"s","content":%q}`, strings.Repeat("é", 65537)), 413, "content exceeds 131072 bytes", "content", "too_large"},
		{"message no object", `{"channel":"c","sender":"s","message":"x"}`, 400, "message: must be an object", "message", "invalid_type"},
		{"message of another version", `{"channel":"c","sender":"s","message":{"schema_version":2,"type":"t","content":1}}`, 400, "message: unsupported message schema_version: 2", "message", "invalid_protocol"},
		{"message without type", `{"channel":"c","sender":"s","message":{"schema_version":1,"content":1}}`, 400, "message: missing field(s): type", "message", "required"},
		{"message with unknown fields", envelope(`"foo":1,"bar":2`), 400, "message: unknown field(s): bar, foo", "message", "unknown_field"},
		{"message without time zone", envelope(`"created_at":"2026-01-01T00:00:00"`), 400, "created_at: must carry a time zone, for example 2026-07-28T12:00:00Z", "created_at", "timezone_required"},
		{"message content too deep", `{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":` + strings.Repeat("[", 18) + strings.Repeat("]", 18) + `}}`,
			400, "content: must not nest deeper than 16 levels", "content", "too_deep"},
		{"artifacts no array", envelope(`"artifacts":1`), 400, "artifacts: must be an array", "artifacts", "invalid_type"},
		{"metadata too large", envelope(fmt.Sprintf(`"metadata":{"k":%q}`, strings.Repeat("x", 16385))), 413, "content exceeds 131072 bytes", "metadata", "too_large"},
		{"too many artifacts", envelope(`"artifacts":[` + strings.Repeat(`{"uri":"u"},`, 32) + `{"uri":"u"}]`), 400, "artifacts: must hold at most 32 artifacts", "artifacts", "too_many"},
		{"key empty", `{"channel":"c","sender":"s","content":"x","idempotency_key":""}`, 400, "idempotency_key: must not be empty", "idempotency_key", "required"},
		{"key a number", `{"channel":"c","sender":"s","content":"x","idempotency_key":7}`, 400, "idempotency_key: must be a string", "idempotency_key", "invalid_type"},
		{"key too long", fmt.Sprintf(`{"channel":"c","sender":"s","content":"x","idempotency_key":%q}`, strings.Repeat("x", 257)), 400, "idempotency_key: must be at most 256 characters", "idempotency_key", "too_long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			h.post("/api/send", c.body).wantRefused(c.status, c.text, c.field, c.code)
		})
	}
	h.t = t
	h.wantStored("c") // nothing half-written
}

func TestSend_toAConversationIsRefused(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	if a := h.post("/api/send", `{"channel":"conv_0123456789abcdef","sender":"s","content":"x"}`); a.status != 400 || a.object()["code"] != "reserved_name" {
		t.Errorf("%s = %d %s", a.call, a.status, a.body)
	}
}

// The boundary counts bytes; what it lets through no further is told as 413.
func TestSend_bodyTooLarge(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	limited := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1024)
		asLocal(h.server.Handler()).ServeHTTP(w, r)
	}))
	defer limited.Close()
	h.url = limited.URL
	for _, path := range []string{"/api/send", "/api/ack", "/api/clear", "/api/conversations"} {
		h.post(path, `{"channel":"c","sender":"s","content":"`+strings.Repeat("x", 2000)+`"}`).want(413, `{"error":"request body too large"}`)
	}
	h.wantStored("c")
}

// A sender that breaks off in the middle has sent nothing.
func TestSend_cutBody(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	body, pipe := io.Pipe()
	go func() {
		io.WriteString(pipe, `{"channel":"c","sender":"s","content":"x"`)
		pipe.CloseWithError(io.ErrUnexpectedEOF)
	}()
	if res, err := http.DefaultClient.Do(h.request(http.MethodPost, "/api/send", body)); err == nil {
		defer res.Body.Close()
		if res.StatusCode == 200 {
			t.Errorf("a cut body was answered with %d", res.StatusCode)
		}
	}
	h.wantStored("c")
}

// Row POST /api/ack.
func TestAck_answer(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	one, two := h.MustSend("c", "one"), h.MustSend("c", "two")
	for _, c := range []struct {
		name     string
		id       agentbridge.MessageID
		metadata string
		last     agentbridge.Sent
		advanced bool
	}{
		{"forward", two.ID, `{"host":"x"}`, two, true},
		{"again", two.ID, `null`, two, false},
		{"back", one.ID, `{}`, two, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.post("/api/ack", fmt.Sprintf(`{"channel":"c","consumer_id":"bob","message_id":%q,"metadata":%s}`, c.id, c.metadata))
			body := a.wantKeys("consumer_id", "channel", "last_seq", "last_message_id", "updated_at", "advanced")
			if a.status != 200 || body["consumer_id"] != "bob" || body["channel"] != "c" || fmt.Sprint(body["last_seq"]) != fmt.Sprint(c.last.Seq) ||
				body["last_message_id"] != string(c.last.ID) || body["advanced"] != c.advanced {
				t.Errorf("%s = %d %s", a.call, a.status, a.body)
			}
			wantTime(t, "updated_at", body["updated_at"])
		})
	}
}

func TestAck_refusals(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	sent, elsewhere := h.MustSend("c", "one"), h.MustSend("d", "two")
	const missing = "message_id does not exist in this channel"
	body := func(channel, consumer, id, more string) string {
		return fmt.Sprintf(`{"channel":%q,"consumer_id":%q,"message_id":%q%s}`, channel, consumer, id, more)
	}
	for _, c := range []struct {
		name, body  string
		status      int
		text, field string
		code        agentbridge.Code
	}{
		{"no JSON", `{`, 400, "invalid JSON body", "body", "invalid_json"},
		{"no object", `"x"`, 400, "JSON body must be an object", "body", "invalid_type"},
		{"nothing", `{}`, 400, "must be a string", "channel", "invalid_type"},
		{"no message_id", `{"channel":"c","consumer_id":"b"}`, 400, "must be a string", "message_id", "invalid_type"},
		{"empty message_id", body("c", "b", "", ""), 400, "must not be empty", "message_id", "required"},
		{"unknown message", body("c", "b", "yesterday", ""), 404, missing, "message_id", "not_found"},
		{"message of another channel", body("c", "b", string(elsewhere.ID), ""), 404, missing, "message_id", "not_found"},
		{"unknown channel", body("nope", "b", string(sent.ID), ""), 404, missing, "message_id", "not_found"},
		{"unknown message before bad metadata", body("c", "b", "yesterday", `,"metadata":1`), 404, missing, "message_id", "not_found"},
		{"message of another channel before bad metadata", body("c", "b", string(elsewhere.ID), `,"metadata":1`), 404, missing, "message_id", "not_found"},
		{"no consumer_id", fmt.Sprintf(`{"channel":"c","message_id":%q}`, sent.ID), 400, "must be a string", "consumer_id", "invalid_type"},
		{"consumer_id too long", body("c", strings.Repeat("x", 129), string(sent.ID), ""), 400, "must be at most 128 characters", "consumer_id", "too_long"},
		{"metadata no object", body("c", "b", string(sent.ID), `,"metadata":[]`), 400, "must be an object", "metadata", "invalid_type"},
		{"metadata too large", body("c", "b", string(sent.ID), fmt.Sprintf(`,"metadata":{"k":%q}`, strings.Repeat("x", 16385))), 400, "must be at most 16384 bytes", "metadata", "too_large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			h.post("/api/ack", c.body).wantRefused(c.status, c.text, c.field, c.code)
		})
	}
	h.t = t
	if got := texts(h.get("/api/messages?channel=c&consumer_id=b"), "preview"); len(got) != 1 {
		t.Errorf("the cursor moved: %v is left", got)
	}
}

// Row POST /api/clear.
func TestClear(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.MustSend("c", "one")
	h.MustSend("c", "two")
	h.MustSend("d", "kept")
	h.post("/api/clear", `{"channel":"c"}`).want(200, `{"channel":"c","cleared":2}`)
	h.post("/api/clear", `{"channel":"c"}`).want(200, `{"channel":"c","cleared":0}`)
	h.post("/api/clear", `{"channel":"nope"}`).want(200, `{"channel":"nope","cleared":0}`)
	h.post("/api/clear", `{}`).wantRefused(400, "must be a string", "channel", "invalid_type")
	h.post("/api/clear", `{"channel":""}`).wantRefused(400, "must not be empty", "channel", "required")
	h.post("/api/clear", `[]`).wantRefused(400, "JSON body must be an object", "body", "invalid_type")
	h.wantStored("c")
	h.wantStored("d", "kept")
}
