package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/relay"
	"agentbridge/internal/wire"

	"github.com/google/go-cmp/cmp"
)

// Spec §4, headers.
func TestStream_headers(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for name, header := range map[string]http.Header{
		"GET":         h.streamOf("c", "").header,
		"HEAD":        h.do(h.request(http.MethodHead, "/events/channel/c", nil)).header,
		"GET events":  h.stream("/api/events").header,
		"HEAD events": h.do(h.request(http.MethodHead, "/api/events", nil)).header,
	} {
		for key, want := range map[string]string{"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := header.Get(key); got != want {
				t.Errorf("%s: %s %q, want %q", name, key, got, want)
			}
		}
	}
}

// Spec §4, message: also one that another session sent.
func TestStream_live(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.MustSend("c", "before") // no cursor: no history
	s := h.streamOf("c", "")
	h.MustSend("other", "elsewhere")
	sent := h.MustSend("c", "live")
	want := wire.StreamMessage{Seq: sent.Seq, ID: sent.ID, Channel: "c", Sender: "alice", Content: "live", Timestamp: agentbridge.FormatTime(sent.At), Encoding: "legacy_text"}
	if diff := cmp.Diff(want, s.wantMessage()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	h.mustSend("c", "bob", "through the API")
	s.wantTexts("through the API")
}

// Spec §4, the keys of a message's data.
func TestStream_messageKeys(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.MustSend("c", "x")
	f := h.streamOf("c", agentbridge.Mark(0)).event()
	wantKeys(t, "message", decode(t, f.data).(map[string]any), "seq", "id", "channel", "sender", "content", "timestamp", "encoding")
}

// Spec §4, resume.
func TestStream_resume(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	one, two := h.MustSend("c", "one"), h.MustSend("c", "two")
	h.MustSend("c", "three")
	path := "/events/channel/c"
	for name, s := range map[string]*reader{
		"by query":               h.stream(query(path, "since_id", string(one.ID))),
		"by header":              h.stream(path, string(one.ID)),
		"by header, which wins":  h.stream(query(path, "since_id", string(two.ID)), string(one.ID)),
		"by header against junk": h.stream(query(path, "since_id", "bogus"), string(one.ID)),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.wantTexts("two", "three")
		})
	}
	s := h.stream(path, string(two.ID))
	s.wantTexts("three")
	h.MustSend("c", "four") // after catching up it is live
	s.wantTexts("four")
}

// A reader that saw nothing yet is told where it stands, in a frame that is no
// event, and loses nothing when it comes back.
func TestStream_resumeBeforeTheFirstMessage(t *testing.T) {
	for _, before := range []string{"", "before"} {
		h := newHall(t, httpapi.Options{})
		if before != "" {
			h.MustSend("c", before)
		}
		s := h.streamOf("c", "")
		at := s.wantPosition()
		s.close()
		h.MustSend("c", "while away")
		h.stream("/events/channel/c?positions=1", at).wantTexts("while away")
	}
}

// Spec §4, cursor_stale.
func TestStream_stale(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	elsewhere := h.MustSend("d", "elsewhere")
	cleared := h.MustSend("c", "cleared")
	h.MustClear("c")
	h.MustSend("c", "left")
	newest := h.MustSend("c", "newest")

	for name, id := range map[string]string{"no id": "bogus", "of another channel": string(elsewhere.ID), "never sent": string(agentbridge.NewMessageID(1 << 40))} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			s := h.streamOf("c", agentbridge.MessageID(id))
			s.wantEvent("cursor_stale", fmt.Sprintf(`{"since_id":%q}`, id))
			if at := s.wantPosition(); at != string(newest.ID) && agentbridge.MessageID(at).Position() < newest.Seq {
				t.Errorf("goes on from %s, want from now, %s", at, newest.ID)
			}
			s.close()
		})
	}
	for name, id := range map[string]string{"a line break": "a\r\n\r\nevent: clear", "broken UTF-8": "\xff", "8,000 characters": strings.Repeat("x", 8000), "NUL": "\x00"} {
		t.Run(name, func(t *testing.T) { // a stale cursor too, and it can't write frames
			h.t = t
			s := h.streamOf("c", agentbridge.MessageID(id))
			if f := s.event(); f.event != "cursor_stale" || f.id != "" {
				t.Errorf("%s %.100s, want cursor_stale", f.event, f.data)
			}
			s.wantPosition()
			s.close()
		})
	}
	t.Run("of a cleared message", func(t *testing.T) { // what is left is new to this reader
		h.t = t
		s := h.streamOf("c", cleared.ID)
		s.wantEvent("cursor_stale", fmt.Sprintf(`{"since_id":%q}`, cleared.ID))
		s.wantTexts("left", "newest")
		h.MustSend("c", "live")
		s.wantTexts("live")
	})
}

// Spec §4, replay_truncated: the stream ends, and each message comes once to
// whoever reconnects until there is no more.
func TestStream_truncated(t *testing.T) {
	const limit, messages = 7, 25
	h := newHall(t, httpapi.Options{ReplayLimit: limit})
	first := h.MustSend("c", "first")
	for i := range messages {
		h.MustSend("c", fmt.Sprint(i))
	}
	next, last := 0, string(first.ID)
	for range messages/limit + 1 {
		s := h.stream("/events/channel/c?positions=1", last)
		for range min(limit, messages-next) {
			s.wantTexts(fmt.Sprint(next))
			next++
		}
		last = s.last
		if next == messages {
			h.MustSend("c", "live")
			s.wantTexts("live")
			return
		}
		s.wantEvent("replay_truncated", fmt.Sprintf(`{"limit":%d}`, limit))
		s.wantEnd()
	}
	t.Errorf("got %d of %d messages", next, messages)
}

// Just as many as the limit are no reason to end.
func TestStream_replayOfTheLimit(t *testing.T) {
	h := newHall(t, httpapi.Options{ReplayLimit: 3})
	for _, text := range []string{"one", "two", "three"} {
		h.MustSend("c", text)
	}
	s := h.streamOf("c", agentbridge.Mark(0))
	s.wantTexts("one", "two", "three")
	for i := range 5 { // what comes later is not replayed but live
		h.MustSend("c", fmt.Sprint(i))
		s.wantTexts(fmt.Sprint(i))
	}
}

// Spec §4, clear.
func TestStream_clear(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	s := h.streamOf("c", "")
	s.wantPosition()
	h.MustSend("c", "one")
	h.MustSend("c", "two")
	s.wantTexts("one", "two")
	h.post("/api/clear", `{"channel":"c"}`).want(200, `{"channel":"c","cleared":2}`)
	s.wantEvent("clear", `{"channel":"c","cleared":2}`)
	at := s.wantPosition()
	h.MustSend("c", "three")
	s.wantTexts("three")

	again := h.stream("/events/channel/c?positions=1", at) // the position behind the clear is not stale
	again.wantTexts("three")
}

// What the retention removed is told, and moves the cursor as a clear does.
func TestStream_expired(t *testing.T) {
	bridge := bridgetest.Open(t, t.TempDir(), relay.Options{Retention: 200 * time.Millisecond, RetentionSweep: 10 * time.Millisecond})
	h := newHallOn(t, bridge, httpapi.Options{})
	s := h.streamOf("c", "")
	s.wantPosition()
	h.MustSend("c", "one")
	f := s.event()
	if f.event == "message" { // on a slow machine it may have expired before it was shown
		f = s.event()
	}
	if f.event != "expired" || f.data != `{"channel":"c","expired":1}` {
		t.Fatalf("%s %s, want expired", f.event, f.data)
	}
	at := s.wantPosition()
	h.MustSend("c", "two")
	again := h.stream("/events/channel/c?positions=1", at)
	if f := again.event(); f.event == "cursor_stale" {
		t.Errorf("the position behind an expiry is stale")
	}
}

// Spec §4, caps: the channel's first.
func TestStream_caps(t *testing.T) {
	h := newHall(t, httpapi.Options{MaxStreams: 3, MaxPerChannel: 2})
	first := h.streamOf("x", "")
	h.streamOf("x", "")
	wantCap := func(path, text string) {
		t.Helper()
		a := h.get(path)
		if a.status != 503 || a.object()["error"] != text || a.header.Get("Retry-After") == "" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s = %d %s %v, want 503 %s", a.call, a.status, a.body, a.header, text)
		}
	}
	wantCap("/events/channel/x", "channel 'x' has reached its subscriber cap")
	h.streamOf("y", "")
	wantCap("/events/channel/x", "channel 'x' has reached its subscriber cap")
	wantCap("/events/channel/z", "server subscriber cap reached")
	wantCap("/api/events", "server subscriber cap reached")
	if body := h.get("/api/state").object(); fmt.Sprint(body["sse_subscribers"]) != "3" {
		t.Errorf("sse_subscribers %v, want 3", body["sse_subscribers"])
	}
	if a := h.do(h.request(http.MethodHead, "/events/channel/x", nil)); a.status != 200 {
		t.Errorf("%s = %d, want 200: it takes no place", a.call, a.status)
	}

	first.close() // its place is free again
	h.wantSubscribers(2)
	h.stream("/api/events")
}

// wantSubscribers waits until so many streams are open.
func (h *hall) wantSubscribers(want int) {
	h.t.Helper()
	for end := time.Now().Add(patience); ; {
		body := h.get("/api/state").object()
		if fmt.Sprint(body["sse_subscribers"]) == fmt.Sprint(want) {
			return
		}
		if time.Now().After(end) {
			h.t.Fatalf("sse_subscribers %v, want %d", body["sse_subscribers"], want)
		}
	}
}

// A stream that could not begin gives its place back.
func TestStream_refusalTakesNoPlace(t *testing.T) {
	h := newHall(t, httpapi.Options{MaxStreams: 1})
	for range 3 {
		h.get("/events/channel/%20").wantRefused(400, "must not start or end with whitespace", "channel", "surrounding_whitespace")
		h.get("/api/events?since_seq=x").wantRefused(400, "is not a position of this feed; leave it out to begin now", "since_seq", "invalid_format")
	}
	h.streamOf("c", "")
}

// Spec §4, the keep-alive.
func TestStream_keepAlive(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.server.SetTimes(10*time.Millisecond, 5*time.Second)
	form := regexp.MustCompile(`^ping - \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$`)
	for _, path := range []string{"/events/channel/c?positions=1", "/api/events"} {
		s := h.stream(path)
		s.wantPosition()
		for range 3 {
			if f, ok := s.next(); !ok || !form.MatchString(f.comment) || f != (frame{comment: f.comment}) {
				t.Fatalf("%s: frame %+v, want a ping", path, f)
			}
		}
	}
	s := h.streamOf("c", "")
	for i := range 20 { // pings lose nothing
		h.MustSend("c", fmt.Sprint(i))
		s.wantTexts(fmt.Sprint(i))
	}
}

func TestStream_endsAtClose(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	streams := []*reader{h.streamOf("a", ""), h.streamOf("b", "")}
	h.server.Close()
	for _, s := range streams {
		s.wantEnd()
	}
	h.wantSubscribers(0)
	if a := h.get("/events/channel/c"); a.status != 503 || a.header.Get("Retry-After") == "" { // who comes too late
		t.Errorf("%s = %d %s, want 503 with Retry-After", a.call, a.status, a.body)
	}
}

// The engine may go first, too.
func TestStream_endsWithTheBridge(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	s := h.streamOf("a", "")
	s.wantPosition()
	h.bridge.Close()
	s.wantEnd()
	if log := h.log.String(); log != "" {
		t.Errorf("logged %s", log)
	}
}

// Killed and started again on the same files: the reader goes on with every
// message once.
func TestStream_resumesOnAnotherBridge(t *testing.T) {
	dir := t.TempDir()
	open := func() *hall { return newHallOn(t, openIn(t, dir), httpapi.Options{}) }
	h := open()
	s := h.streamOf("c", "")
	h.MustSend("c", "one")
	s.wantTexts("one")
	h.MustSend("c", "two") // perhaps written to the stream, but never read
	last := s.last
	h.server.Close()
	h.bridge.Close()

	h = open()
	h.MustSend("c", "three")
	s = h.stream("/events/channel/c?positions=1", last)
	s.wantTexts("two", "three")
}

// Readers of reference B's streams take every frame for one with data.
func TestChannelStream_hasDataInEveryFrame(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	quiet := h.stream("/events/channel/c")
	stale := h.stream("/events/channel/c?since_id=nobody-has-it")
	want := func(s *reader, event string) {
		t.Helper()
		f, ok := s.next()
		for ok && f.comment != "" {
			f, ok = s.next()
		}
		if f.event != event || f.data == "" {
			t.Fatalf("frame %+v, want a %s with data", f, event)
		}
	}
	want(stale, "cursor_stale")
	for _, event := range []string{"message", "clear", "message"} {
		if event == "clear" {
			h.MustClear("c")
		} else {
			h.MustSend("c", "text")
		}
		want(quiet, event)
		want(stale, event)
	}
}

// Python's splitlines takes U+0085 for a line end. Messages that were stored
// before such characters were taken out still hold it.
func TestChannelStream_writesNoLineEndsButItsOwn(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	s := h.streamOf("c", "")
	s.wantPosition()
	if _, err := h.bridge.Older("c", "alice", "a\u0085b\u2028c\u2029d"); err != nil {
		t.Fatal(err)
	}
	f, _ := s.next()
	if !strings.Contains(f.data, `a\u0085b\u2028c\u2029d`) {
		t.Errorf("data %q, want the line ends as escapes", f.data)
	}
}
