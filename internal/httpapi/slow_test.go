package httpapi_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/httpapi"
)

// stuck is a reader that asks for a stream and then reads no more than its
// header: with a small buffer, so that its server soon has to wait for it.
func (h *hall) stuck(path string) net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		h.t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
	if line, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		h.t.Fatalf("GET %s = %q, %v", path, line, err)
	}
	return conn
}

// One reader that stops reading is cut and counted. Meanwhile the others on its
// channel get everything.
func TestSlow_readerIsCut(t *testing.T) {
	for _, path := range []string{"/events/channel/c", "/api/events"} {
		t.Run(path, func(t *testing.T) {
			h := newHall(t, httpapi.Options{})
			h.server.SetTimes(time.Minute, 300*time.Millisecond)
			h.stuck(path)
			other := h.streamOf("c", "")
			other.wantPosition()
			text := strings.Repeat("x", 100_000)
			var cut bool
			for end := time.Now().Add(patience); !cut; {
				if time.Now().After(end) {
					t.Fatal("the stuck reader was not cut")
				}
				h.MustSend("c", text) // until all buffers on the way are full
				other.wantTexts(text)
				cut = fmt.Sprint(h.get("/api/state").object()["sse_dropped_events"]) == "1"
			}
			h.wantSubscribers(1)
			h.MustSend("c", "after")
			other.wantTexts("after")
		})
	}
}

// A reader that breaks the connection is not counted as slow, and its place is
// free at once.
func TestSlow_readerThatLeavesIsNot(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	for range 5 {
		h.stuck("/events/channel/c").Close()
	}
	h.wantSubscribers(0)
	if body := h.get("/api/state").object(); fmt.Sprint(body["sse_dropped_events"]) != "0" {
		t.Errorf("sse_dropped_events %v, want 0", body["sse_dropped_events"])
	}
}

// Over HTTP/2 a deadline that passes while nothing is written ends a stream:
// none may be left standing between two writes.
func TestSlow_quietStreamOverHTTP2(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.server.SetTimes(40*time.Millisecond, 10*time.Millisecond)
	listener := httptest.NewUnstartedServer(asLocal(h.server.Handler()))
	listener.EnableHTTP2 = true
	listener.StartTLS()
	defer listener.Close()
	defer h.server.Close()
	res, err := listener.Client().Get(listener.URL + "/events/channel/c?positions=1")
	if err != nil || res.ProtoMajor != 2 {
		t.Fatalf("GET = %v, %v, want HTTP/2", res, err)
	}
	defer res.Body.Close()
	s := &reader{t: t, header: res.Header, lines: bufio.NewReader(res.Body), body: res.Body, leave: func() {}}
	s.wantPosition()
	for range 3 { // each comes four times as late as a write may take
		if f, _ := s.next(); f.comment == "" {
			t.Fatalf("%+v, want a ping", f)
		}
	}
	h.MustSend("c", "still there")
	s.wantTexts("still there")
}

// The writer of a middleware that hides deadlines would leave streams without
// any: that is told, not accepted.
func TestSlow_writerWithoutDeadlines(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	w := httptest.NewRecorder()
	asLocal(h.server.Handler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/events/channel/c", nil))
	if !strings.Contains(h.log.String(), "an event stream ended") {
		t.Errorf("logged %q, want why the stream ended", h.log)
	}
}

// Many readers of one channel all get all of it, in order, while others come
// and go.
func TestSlow_crowd(t *testing.T) {
	const readers, messages = 20, 60
	h := newHall(t, httpapi.Options{MaxPerChannel: readers * 2, MaxStreams: readers * 2})
	var all []*reader
	for range readers {
		s := h.streamOf("c", "")
		s.wantPosition()
		all = append(all, s)
	}
	var want []string
	for i := range messages {
		want = append(want, fmt.Sprint(i))
		h.MustSend("c", want[i])
		if i%6 == 0 {
			h.streamOf("c", agentbridge.Mark(0)).close()
		}
	}
	for _, s := range all {
		s.wantTexts(want...)
	}
	h.wantSubscribers(readers)
}
