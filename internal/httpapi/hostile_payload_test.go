package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/wire"
)

// Every payload goes in as JSON and comes out as JSON, by every way there is;
// on the streams it is one line of data in a frame of its own. What nobody
// should obey is gone, and the sender is told.
func TestHostile_payloads(t *testing.T) {
	t.Parallel() // it waits for batches
	testPayloads(t, func(h *hall, text string) (stored string) {
		stored, sanitized := bridgetest.Stored(t, text)
		a := h.post("/api/send", encode(t, object{"channel": "c", "sender": "mallory", "content": text}))
		if stored == "" {
			a.wantRefused(400, "content: must hold more than control and invisible characters", "content", agentbridge.Required)
			return ""
		}
		var sent wire.Sent
		a.into(&sent)
		if sent.Sanitized != sanitized || sent.Redacted || sent.Kinds != nil {
			t.Errorf("%s = %s, want %d characters sanitized and nothing redacted", a.call, a.body, sanitized)
		}
		if strings.Contains(a.body, "sanitized") != (sanitized > 0) {
			t.Errorf("%s = %s, want sanitized to be there if it says something", a.call, a.body)
		}
		return stored
	})
}

// A sender learns what he gave away, by kind; nobody else learns more.
func TestSend_secret(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	a := h.post("/api/send", `{"channel":"c","sender":"s","content":"password: Xk29-fLqa81Zp"}`)
	sent := a.wantKeys("id", "seq", "channel", "ts", "deduplicated", "redacted", "kinds")
	if sent["redacted"] != true || encode(t, sent["kinds"]) != `{"PASSWORD_REDACTED":1}` {
		t.Errorf("%s = %s, want to be told of a password", a.call, a.body)
	}
	h.wantStored("c", "password: PASSWORD_REDACTED")
	h.post("/api/send", `{"channel":"c","sender":"s","content":"plain"}`).wantKeys("id", "seq", "channel", "ts", "deduplicated")
}

// Every payload in rows that are older than Clean: they come out as they are.
func TestHostile_olderPayloads(t *testing.T) {
	t.Parallel()
	testPayloads(t, func(h *hall, text string) (stored string) {
		if _, err := h.bridge.Older("c", "mallory", text); err != nil {
			t.Fatal(err)
		}
		return text
	})
}

// testPayloads stores every payload, as store does it, and reads it by every way
// there is. Nothing is stored if store returns "".
func testPayloads(t *testing.T, store func(h *hall, text string) (stored string)) {
	t.Helper()
	h := newHall(t, httpapi.Options{})
	channel := h.stream("/events/channel/c?since_id=" + string(agentbridge.Mark(0)))
	all := h.stream("/api/events?since_seq=0")
	for _, p := range bridgetest.Hostile() {
		want := store(h, p.Text)
		if want == "" {
			continue
		}
		got := channel.wantMessage()
		if got.Content != want || got.Channel != "c" || got.Sender != "mallory" {
			t.Errorf("the stream brings %+.100q for %+.100q", got.Content, p.Text)
		}
		if list := texts(h.get("/api/messages?full=1&limit=1&channel=c"), "content"); len(list) != 1 || list[0] != want {
			t.Errorf("listing of %+.60q = %+.200q", p.Text, list)
		}
		detail := h.get("/api/messages/" + string(got.ID)).object()
		if str(detail["content"]) != want {
			t.Errorf("detail of %+.60q = %+.200q", p.Text, detail["content"])
		}
		wantHappened(t, all, want)
	}
	for _, path := range []string{"/api/state", "/api/overview", "/api/channels", "/api/wait?channel=c&consumer_id=x&limit=500", "/api/audit"} {
		if a := h.get(path); a.status != 200 {
			t.Errorf("%s = %d %.200s", a.call, a.status, a.body)
		}
	}
}

// wantHappened reads the stream of all channels up to a message.
func wantHappened(t *testing.T, r *reader, text string) {
	t.Helper()
	f := r.event()
	var batch wire.Batch
	decodeInto(t, f.data, &batch)
	if f.event != "batch" || len(batch.Events) != 1 || batch.Events[0].Content != text {
		t.Errorf("the stream of all brings %s %.200s for %+.60q", f.event, f.data, text)
	}
}

// In every other field: refused by name, or harmless. A refusal repeats nothing
// that a terminal obeys, for people read it there.
func TestHostile_payloadsInEveryField(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	stream := h.stream("/events/channel/c?since_id=" + string(agentbridge.Mark(0)))
	stored := 0
	for _, p := range bridgetest.Hostile() {
		for _, c := range []struct{ path, body string }{
			{"/api/send", `{"channel":%s,"sender":"s","content":"x"}`},
			{"/api/send", `{"channel":"c","sender":%s,"content":"x"}`},
			{"/api/send", `{"channel":"c","sender":"s","content":"x","idempotency_key":%s}`},
			{"/api/send", `{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":{%[1]s:%[1]s}}}`},
			{"/api/send", `{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":1,"metadata":{%[1]s:[%[1]s]},"thread_id":%[1]s}}`},
			{"/api/send", `{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":1,"artifacts":[{"uri":"u","name":%s}]}}`},
			{"/api/send", `{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":1,%s:1}}`},
			{"/api/ack", `{"channel":"c","consumer_id":%s,"message_id":"m"}`},
			{"/api/ack", `{"channel":"c","consumer_id":"b","message_id":"m","metadata":{%[1]s:%[1]s}}`},
			{"/api/conversations", `{"my_role":%s,"partner_role":"reviewer"}`},
		} {
			a := h.post(c.path, fmt.Sprintf(c.body, encode(t, p.Text)))
			switch {
			case a.status >= 500 || a.status != 200 && str(a.object()["error"]) == "":
				t.Errorf("%s with %+.60q = %d %.300s", c.path, p.Text, a.status, a.body)
			case a.status != 200:
				wantInertSentence(t, a)
			case c.path == "/api/send" && str(a.object()["channel"]) == "c":
				stored++
			}
		}
	}
	for range stored { // each frame is read by a reader who knows no other lines
		stream.wantMessage()
	}
	if log := h.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("logged: %.1000s", log)
	}
}

func wantInertSentence(t *testing.T, a answer) {
	t.Helper()
	object := a.object()
	for _, key := range []string{"error", "field", "message", "hint"} {
		for _, r := range str(object[key]) {
			if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%s: %s holds %U: %.200q", a.call, key, r, object[key])
				return
			}
		}
	}
}

// Names that mean something else to a reader, and names that do not.
func TestHostile_names(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for name, want := range map[string]agentbridge.Code{
		"p\u0430yments": "invalid_format", "a\u202eb": "control_character", "zero\u200bwidth": "control_character",
		"-rf": "invalid_format", "a/../b": "invalid_format", "\ue000": "invalid_format", "ｃｏｎｖ_0123456789abcdef": "reserved_name",
	} {
		a := h.post("/api/send", `{"channel":`+encode(t, name)+`,"sender":"s","content":"x"}`)
		if a.status != 400 || str(a.object()["code"]) != string(want) || str(a.object()["field"]) != "channel" {
			t.Errorf("%s = %d %s, want 400 %s of channel", a.call, a.status, a.body, want)
		}
	}
	for _, name := range []string{"system", "Operator", "аdmin", "br1dge", "ａｄｍｉｎ"} {
		for _, c := range []struct{ path, body string }{
			{"/api/send", `{"channel":"c","sender":%s,"content":"x"}`},
			{"/api/ack", `{"channel":"c","consumer_id":%s,"message_id":"m"}`},
		} {
			a := h.post(c.path, fmt.Sprintf(c.body, encode(t, name)))
			if code := str(a.object()["code"]); a.status != 400 || code != "reserved_name" && code != "invalid_format" {
				t.Errorf("%s = %d %s, want it refused: that name speaks for the bridge", a.call, a.status, a.body)
			}
		}
	}
	h.mustSend("тест", "строка", "Привет")
	h.mustSend("ｗｉｄｅ", "s", "x")
	if got := texts(h.get(query("/api/messages", "channel", "wide")), "preview"); len(got) != 1 || got[0] != "x" {
		t.Errorf("a channel's name in full width is another channel than in ASCII: %v", got)
	}
	h.wantStored("тест", "Привет")
}

// A body of few bytes must not become an object of many.
func TestHostile_manyKeys(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	var keys strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&keys, `,"k%d":1`, i)
	}
	a := h.post("/api/send", `{"channel":"c","sender":"s","message":{"schema_version":1,"type":"t","content":{"k":1`+keys.String()+`}}}`)
	if a.status != 400 || str(a.object()["code"]) != "too_many" || !strings.Contains(str(a.object()["message"]), "must not have more than 1000 keys") {
		t.Errorf("%s = %d %s, want it refused for its keys", a.call, a.status, a.body)
	}
	h.wantStored("c")
}

func decodeInto(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("data %.200q: %v", text, err)
	}
}
