package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/wire"

	"github.com/google/go-cmp/cmp"
)

// Row GET /status: exactly these keys, and nothing about what the bridge holds.
func TestStatus(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	a := h.get("/status")
	body := a.wantKeys("service", "status", "version", "server_time")
	if a.status != 200 || body["service"] != "agentbridge" || body["status"] != "online" || body["version"] != agentbridge.Version {
		t.Errorf("GET /status = %d %s", a.status, a.body)
	}
	wantTime(t, "server_time", body["server_time"])
}

func wantTime(t *testing.T, what string, v any) {
	t.Helper()
	at, err := wire.ReadTime(str(v))
	if err != nil || !strings.HasSuffix(str(v), "Z") || time.Since(at).Abs() > time.Minute {
		t.Errorf("%s = %v, want the time, as RFC 3339 with Z", what, v)
	}
}

// Row GET /api/messages.
func TestMessages_listing(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	sent := h.MustSend("c", "one")
	a := h.get("/api/messages?channel=c")
	body := a.wantKeys("channel", "messages", "next_cursor")
	at := agentbridge.FormatTime(sent.At)
	want := fmt.Sprintf(`{"channel":"c","next_cursor":%q,"messages":[
		{"seq":%d,"id":%[1]q,"ts":%[3]q,"ts_full":%[3]q,"sender":"alice","is_json":false,"preview":"one","encoding":"legacy_text"}]}`, sent.ID, sent.Seq, at)
	a.want(200, want)
	if body["next_cursor"] != string(sent.ID) {
		t.Errorf("next_cursor %v, want %s", body["next_cursor"], sent.ID)
	}
}

func TestMessages_emptyChannel(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	if a := h.get("/api/messages?channel=nope"); a.body != `{"channel":"nope","messages":[]}` {
		t.Errorf("%s = %s", a.call, a.body)
	}
	h.get("/api/messages?channel=nope&consumer_id=x").want(200, `{"channel":"nope","messages":[],"next_cursor":null,"consumer_id":"x"}`)
}

func TestMessages_refusals(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	long := strings.Repeat("x", 257)
	for _, c := range []struct {
		name  string
		query []string
		text  string
		field string
		code  agentbridge.Code
	}{
		{"no channel", nil, "channel parameter required", "channel", "required"},
		{"empty channel", []string{"channel", ""}, "channel parameter required", "channel", "required"},
		{"channel with white space", []string{"channel", " c"}, "must not start or end with whitespace", "channel", "surrounding_whitespace"},
		{"channel too long", []string{"channel", long}, "must be at most 256 characters", "channel", "too_long"},
		{"newline in channel", []string{"channel", "a\nb"}, "must not contain control characters", "channel", "control_character"},
		{"broken UTF-8 in channel", []string{"channel", "a\xff"}, "must be valid UTF-8", "channel", "invalid_utf8"},
		{"since_id too long", []string{"channel", "c", "since_id", long}, "must be at most 256 characters", "message_id", "too_long"},
		{"since_id with a newline", []string{"channel", "c", "since_id", "a\nb"}, "must not contain control characters", "message_id", "control_character"},
		{"consumer_id too long", []string{"channel", "c", "consumer_id", long}, "must be at most 128 characters", "consumer_id", "too_long"},
		{"before_seq not a number", []string{"channel", "c", "before_seq", "x"}, "must be a positive whole number", "before_seq", "out_of_range"},
		{"before_seq of 0", []string{"channel", "c", "before_seq", "0"}, "must be a positive whole number", "before_seq", "out_of_range"},
		{"before_seq negative", []string{"channel", "c", "before_seq", "-1"}, "must be a positive whole number", "before_seq", "out_of_range"},
		{"before_seq huge", []string{"channel", "c", "before_seq", strings.Repeat("9", 40)}, "must be a positive whole number", "before_seq", "out_of_range"},
		{"before_seq with since_id", []string{"channel", "c", "before_seq", "1", "since_id", "x"}, "leads backwards and since_id or consumer_id forwards; pass one of them", "before_seq", "invalid_value"},
		{"before_seq with consumer_id", []string{"channel", "c", "before_seq", "1", "consumer_id", "x"}, "leads backwards and since_id or consumer_id forwards; pass one of them", "before_seq", "invalid_value"},
		{"max_bytes not a number", []string{"channel", "c", "max_bytes", "x"}, "must be a whole number of bytes from 1 to 1048576", "max_bytes", "invalid_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.get(query("/api/messages", c.query...)).wantRefused(400, c.text, c.field, c.code)
		})
	}
	if a := h.get("/api/messages?channel=conv_0123456789abcdef"); a.status != 400 || a.object()["code"] != "reserved_name" {
		t.Errorf("%s = %d %s, want a refusal: conversations are private", a.call, a.status, a.body)
	}
}

// ids are the previews or contents of a listing's messages.
func texts(a answer, key string) (list []string) {
	a.t.Helper()
	messages, _ := a.object()["messages"].([]any)
	for _, m := range messages {
		list = append(list, str(m.(map[string]any)[key]))
	}
	return list
}

func TestMessages_limitIsClamped(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for i := range 60 {
		h.MustSend("c", fmt.Sprint(i))
	}
	for limit, want := range map[string]int{
		"": 50, "1": 1, "7": 7, "0": 1, "-5": 1, "60": 60, "100": 60, "abc": 50, "1.5": 50,
		strings.Repeat("9", 400): 60, "-" + strings.Repeat("9", 400): 1, "+3": 3, " 3 ": 3,
	} {
		got := texts(h.get(query("/api/messages", "channel", "c", "limit", limit)), "preview")
		if len(got) != want || got[len(got)-1] != "59" {
			t.Errorf("limit=%.10s: %d messages up to %v, want the newest %d", limit, len(got), got[len(got)-1:], want)
		}
	}
}

func TestMessages_cursors(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	one, two, three := h.MustSend("c", "one"), h.MustSend("c", "two"), h.MustSend("c", "three")
	elsewhere := h.MustSend("d", "elsewhere")
	h.MustAck("c", two.ID)
	for _, c := range []struct {
		name string
		path string
		want []string
		next agentbridge.MessageID
	}{
		{"none: the newest", query("/api/messages", "channel", "c", "limit", "2"), []string{"two", "three"}, three.ID},
		{"since_id", query("/api/messages", "channel", "c", "since_id", string(one.ID)), []string{"two", "three"}, three.ID},
		{"since_id, bounded", query("/api/messages", "channel", "c", "since_id", string(one.ID), "limit", "1"), []string{"two"}, two.ID},
		{"since_id of the last", query("/api/messages", "channel", "c", "since_id", string(three.ID)), nil, three.ID},
		{"a new consumer: the oldest", query("/api/messages", "channel", "c", "consumer_id", "new", "limit", "2"), []string{"one", "two"}, two.ID},
		{"a consumer behind what it acknowledged", query("/api/messages", "channel", "c", "consumer_id", "alice"), []string{"three"}, three.ID},
		{"since_id wins over consumer_id", query("/api/messages", "channel", "c", "since_id", string(one.ID), "consumer_id", "alice"), []string{"two", "three"}, three.ID},
		{"before_seq", query("/api/messages", "channel", "c", "before_seq", fmt.Sprint(three.Seq)), []string{"one", "two"}, two.ID},
		{"before_seq, bounded", query("/api/messages", "channel", "c", "before_seq", fmt.Sprint(three.Seq), "limit", "1"), []string{"two"}, two.ID},
		{"before_seq of a seq that is not there", query("/api/messages", "channel", "c", "before_seq", "1000000"), []string{"one", "two", "three"}, three.ID},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.get(c.path)
			if diff := cmp.Diff(c.want, texts(a, "preview")); diff != "" {
				t.Errorf("%s: -want +got\n%s", a.call, diff)
			}
			if got := a.object()["next_cursor"]; got != string(c.next) {
				t.Errorf("%s: next_cursor %v, want %s", a.call, got, c.next)
			}
		})
	}
	for name, id := range map[string]string{"unknown": "00000000-0000-0000-0000-000000000000", "no UUID": "yesterday", "of another channel": string(elsewhere.ID)} {
		t.Run("stale: "+name, func(t *testing.T) {
			h.get(query("/api/messages", "channel", "c", "since_id", id)).
				want(200, fmt.Sprintf(`{"channel":"c","messages":[],"next_cursor":%q,"warning":"since_id_not_found"}`, id))
		})
	}
}

// All of a history is reachable by paging backwards, and by paging forwards.
func TestMessages_walks(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprint("m", i))
		h.MustSend("c", want[i])
	}
	type page struct {
		Messages []struct {
			Seq     agentbridge.Seq
			Preview string
		}
		NextCursor  string `json:"next_cursor"`
		Older, More bool
	}
	var back []string
	for before, older := "", true; older; {
		var p page
		h.get(query("/api/messages", "channel", "c", "limit", "7", "before_seq", before)).into(&p)
		var texts []string
		for _, m := range p.Messages {
			texts = append(texts, m.Preview)
		}
		back = append(texts, back...)
		before, older = fmt.Sprint(p.Messages[0].Seq), p.Older
	}
	var forth []string
	for cursor, more := "", true; more; {
		var p page
		h.get(query("/api/messages", "channel", "c", "limit", "7", "consumer_id", "new", "since_id", cursor)).into(&p)
		for _, m := range p.Messages {
			forth = append(forth, m.Preview)
		}
		cursor, more = p.NextCursor, p.More
	}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Errorf("backwards: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(want, forth); diff != "" {
		t.Errorf("forwards: -want +got\n%s", diff)
	}
}

func TestMessages_previewAndFull(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	long := strings.Repeat("é", 201)
	h.MustSend("c", strings.Repeat("é", 200))
	h.MustSend("c", long)
	if got := texts(h.get("/api/messages?channel=c"), "preview"); got[0] != strings.Repeat("é", 200) || got[1] != strings.Repeat("é", 200)+"…" {
		t.Errorf("previews %q, want 200 code points and an ellipsis if there are more", got)
	}
	for full, isFull := range map[string]bool{"1": true, "true": true, "yes": true, "TRUE": true, " yes ": true, "0": false, "on": false, "": false} {
		a := h.get(query("/api/messages", "channel", "c", "full", full, "limit", "1"))
		keys := []string{"seq", "id", "ts", "ts_full", "sender", "is_json", "encoding", "preview"}
		if isFull {
			keys[7] = "content"
		}
		message := a.object()["messages"].([]any)[0].(map[string]any)
		wantKeys(t, a.call, message, keys...)
		if isFull && message["content"] != long {
			t.Errorf("%s: content of %d bytes, want all %d", a.call, len(str(message["content"])), len(long))
		}
	}
}

func TestMessages_isJSON(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for text, want := range map[string]bool{
		`{"k":1}`: true, ` [1] `: true, "\n{}": true, `[]`: true, "\u00a0{}": true,
		`plain`: false, `"text"`: false, `1`: false, `null`: false, `{broken`: false, `[1,]`: false, `{} {}`: false, `{'k':1}`: false,
	} {
		h.MustClear("c")
		h.MustSend("c", text)
		message := h.get("/api/messages?channel=c").object()["messages"].([]any)[0].(map[string]any)
		if message["is_json"] != want {
			t.Errorf("is_json of %q = %v, want %v", text, message["is_json"], want)
		}
	}
}

// An envelope is shown as an object, in listing, detail and wait alike.
func TestMessages_envelope(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	const canonical = `{"content":{"a":"<&>","n":1.50},"schema_version":1,"type":"task"}`
	sent := h.MustSendDraft(h.Envelope("c", canonical))
	listed := h.get("/api/messages?channel=c").object()["messages"].([]any)[0].(map[string]any)
	wantKeys(t, "a structured message", listed, "seq", "id", "ts", "ts_full", "sender", "is_json", "encoding", "preview", "message")
	waited := h.get("/api/wait?channel=c&consumer_id=x").object()["messages"].([]any)[0].(map[string]any)
	detail := h.get("/api/messages/" + string(sent.ID)).object()
	for name, m := range map[string]map[string]any{"listing": listed, "wait": waited, "detail": detail} {
		if diff := cmp.Diff(decode(t, canonical), m["message"]); diff != "" || m["encoding"] != "structured" {
			t.Errorf("%s: %v, -want +got\n%s", name, m["encoding"], diff)
		}
	}
	if !strings.Contains(h.get("/api/messages/"+string(sent.ID)).body, `{"a":"<&>","n":1.50}`) {
		t.Error("the envelope was rewritten: < and > escaped or a number changed")
	}
}

// full=1 is bounded by bytes, and says that there is more.
func TestMessages_maxBytes(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for range 20 {
		h.MustSend("c", strings.Repeat("x", 100_000))
	}
	for _, c := range []struct {
		params []string
		most   int
		count  int
	}{
		{[]string{"full", "1"}, 1 << 20, 10},
		{[]string{"full", "1", "max_bytes", "9999999999999999999999"}, 1 << 20, 10},
		{[]string{"full", "1", "max_bytes", "250000"}, 250_000, 2},
		{[]string{"full", "1", "max_bytes", "-3"}, 110_000, 1}, // one always fits
		{nil, 20_000, 20}, // previews of all
	} {
		a := h.get(query("/api/messages", append(c.params, "channel", "c", "consumer_id", "new", "limit", "20")...))
		body := a.object()
		if n := len(body["messages"].([]any)); len(a.body) > c.most || n != c.count || (body["more"] == true) != (n < 20) {
			t.Errorf("%s: %d messages in %d bytes, more %v; want %d in at most %d", a.call, n, len(a.body), body["more"], c.count, c.most)
		}
	}
}

// Row GET /api/messages/{id}.
func TestDetail(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for _, c := range []struct {
		name, content, want string
	}{
		{"text", "hi é", `"is_json":false,"content":"hi é","content_parsed":null,"bytes":5,"encoding":"legacy_text"`},
		{"JSON", `{"task":"test","n":42}`, `"is_json":true,"content":"{\"task\":\"test\",\"n\":42}","content_parsed":{"task":"test","n":42},"bytes":22,"encoding":"legacy_json"`},
		{"JSON in space", " [1] ", `"is_json":true,"content":" [1] ","content_parsed":[1],"bytes":5,"encoding":"legacy_json"`},
		{"an envelope of another version", `{"schema_version":2,"type":"x","content":1}`,
			`"is_json":true,"content":"{\"schema_version\":2,\"type\":\"x\",\"content\":1}","content_parsed":{"schema_version":2,"type":"x","content":1},
			"bytes":43,"encoding":"unsupported","parse_warning":"message: unsupported message schema_version: 2"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			sent := h.MustSend("c", c.content)
			h.get("/api/messages/"+string(sent.ID)).want(200, fmt.Sprintf(`{"seq":%d,"id":%q,"channel":"c","sender":"alice","ts":%q,%s}`,
				sent.Seq, sent.ID, agentbridge.FormatTime(sent.At), c.want))
		})
	}
}

func TestDetail_notFound(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	gone := h.MustSend("c", "one")
	h.MustClear("c")
	seat, partner := h.bridge.Pair("developer", "reviewer")
	private := seat.MustSend("secret")
	_ = partner
	for name, id := range map[string]string{"unknown": "does-not-exist", "cleared": string(gone.ID), "a conversation's": string(private.ID),
		"with a newline": "a%0Ab", "with a slash": "a/b", "too long": strings.Repeat("x", 300), "broken UTF-8": "%ff", "a mark": string(agentbridge.Mark(1))} {
		t.Run(name, func(t *testing.T) {
			h.get("/api/messages/"+id).want(404, `{"error":"not found"}`)
		})
	}
}

// Row GET /api/wait.
func TestWait_answer(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	one, two := h.MustSend("c", "one"), h.MustSend("c", "two")
	record := fmt.Sprintf(`{"seq":%d,"id":%q,"channel":"c","sender":"alice","content":"two","timestamp":%q,"encoding":"legacy_text"}`,
		two.Seq, two.ID, agentbridge.FormatTime(two.At))
	h.get(query("/api/wait", "channel", "c", "since_id", string(one.ID))).want(200,
		fmt.Sprintf(`{"channel":"c","messages":[%s],"next_cursor":%q,"consumer_id":null,"warning":null,"more":false,"timed_out":false}`, record, two.ID))
	h.get(query("/api/wait", "channel", "c", "since_id", string(two.ID), "timeout_seconds", "0")).want(200,
		fmt.Sprintf(`{"channel":"c","messages":[],"next_cursor":%q,"consumer_id":null,"warning":null,"more":false,"timed_out":true}`, two.ID))
	h.get("/api/wait?channel=new&consumer_id=x&timeout_seconds=0.01").want(200,
		`{"channel":"new","messages":[],"next_cursor":null,"consumer_id":"x","warning":null,"more":false,"timed_out":true}`)
	h.get("/api/wait?channel=c&since_id=bogus").want(200,
		`{"channel":"c","messages":[],"next_cursor":"bogus","consumer_id":null,"warning":"since_id_not_found","more":false,"timed_out":false}`)
}

func TestWait_refusals(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	const numeric = "limit and timeout_seconds must be numeric"
	for _, c := range []struct {
		name, query, text, field string
		code                     agentbridge.Code
	}{
		{"no cursor", "channel=c", "bridge_wait requires since_id or consumer_id", "cursor", "required"},
		{"empty cursors", "channel=c&since_id=&consumer_id=", "bridge_wait requires since_id or consumer_id", "cursor", "required"},
		{"limit no number", "channel=c&consumer_id=x&limit=abc", numeric, "", "invalid_type"},
		{"limit empty", "channel=c&consumer_id=x&limit=", numeric, "", "invalid_type"},
		{"limit not whole", "channel=c&consumer_id=x&limit=1.5", numeric, "", "invalid_type"},
		{"timeout no number", "channel=c&consumer_id=x&timeout_seconds=soon", numeric, "", "invalid_type"},
		{"timeout NaN", "channel=c&consumer_id=x&timeout_seconds=nan", numeric, "", "invalid_type"},
		{"no channel", "consumer_id=x", "must not be empty", "channel", "required"},
		{"bad channel", "channel=%20c&consumer_id=x", "must not start or end with whitespace", "channel", "surrounding_whitespace"},
		{"bad since_id", "channel=c&since_id=%0a", "must not start or end with whitespace", "message_id", "surrounding_whitespace"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.get("/api/wait?"+c.query).wantRefused(400, c.text, c.field, c.code)
		})
	}
}

func TestWait_numbersAreClamped(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for i := range 30 {
		h.MustSend("c", fmt.Sprint(i))
	}
	for params, want := range map[string]int{"": 20, "limit=0": 1, "limit=-9": 1, "limit=25": 25, "limit=99999999999999999999": 30,
		"timeout_seconds=1e999": 20, "timeout_seconds=-1": 20, "timeout_seconds=inf": 20} {
		if got := texts(h.get("/api/wait?channel=c&consumer_id=x&"+params), "content"); len(got) != want {
			t.Errorf("%s: %d messages, want %d", params, len(got), want)
		}
	}
}

func TestWait_wakes(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	first := h.MustSend("c", "first")
	got := make(chan answer, 1)
	go func() {
		got <- h.get(query("/api/wait", "channel", "c", "since_id", string(first.ID), "timeout_seconds", "55"))
	}()
	h.MustSend("c", "second")
	if diff := cmp.Diff([]string{"second"}, texts(<-got, "content")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A shutdown must not last as long as the longest wait.
// A wait whose session ends is told so: its client is still there.
func TestWait_endsWithItsSession(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	ended := errors.New("the session has expired")
	for want, cause := range map[int]error{401: ended, 0: nil} {
		ctx, end := context.WithCancelCause(t.Context())
		end(cause)
		w := &sober{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("GET", "/api/wait?channel=c&consumer_id=b", nil).WithContext(ctx)
		asLocal(h.server.Handler()).ServeHTTP(w, r)
		if w.status != want || want == 401 && !strings.Contains(w.Body.String(), "sign in again") {
			t.Errorf("cause %v: answered %d %s, want %d", cause, w.status, w.Body, want)
		}
	}
}

// sober tells whether anything was answered at all.
type sober struct {
	*httptest.ResponseRecorder
	status int
}

func (s *sober) WriteHeader(status int) {
	s.status = status
	s.ResponseRecorder.WriteHeader(status)
}

func TestWait_endsAtClose(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	first := h.MustSend("c", "first")
	got := make(chan answer, 1)
	go func() {
		got <- h.get(query("/api/wait", "channel", "c", "since_id", string(first.ID), "timeout_seconds", "55"))
	}()
	h.server.Close()
	a := <-got
	if a.status != http.StatusServiceUnavailable || a.object()["code"] != "closed" || a.header.Get("Retry-After") == "" {
		t.Errorf("%s = %d %s, want 503", a.call, a.status, a.body)
	}
}

// What retention or a clear took before a consumer read it is told, not hidden.
func TestGap_isAWarning(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	one := h.MustSend("c", "one")
	h.MustAck("c", one.ID)
	h.MustSend("c", "two")
	h.MustClear("c")
	h.MustSend("c", "three")
	for _, path := range []string{"/api/messages", "/api/wait"} {
		if body := h.get(path + "?channel=c&consumer_id=alice").object(); body["warning"] != "messages_removed" {
			t.Errorf("%s: warning %v, want messages_removed", path, body["warning"])
		}
	}
}
