package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// patience is when a test gives up on a stream: long, for it is spent only by
// a test that fails.
const patience = 30 * time.Second

// frame is what stands between two blank lines of a stream.
type frame struct {
	id, event, data, comment string
}

// reader reads a stream as a client would.
type reader struct {
	t      testing.TB
	header http.Header
	lines  *bufio.Reader
	body   io.Closer
	leave  context.CancelFunc
	last   string // id: what an EventSource would resume from
}

// stream opens a stream; lastEventID is sent if it is given.
func (h *hall) stream(path string, lastEventID ...string) *reader {
	h.t.Helper()
	ctx, leave := context.WithTimeout(context.Background(), patience)
	r := h.request(http.MethodGet, path, nil).WithContext(ctx)
	for _, id := range lastEventID {
		r.Header.Set("Last-Event-ID", id)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a connection of its own
	res, err := client.Do(r)
	if err != nil {
		leave()
		h.t.Fatalf("GET %s: %v", path, err)
	}
	if res.StatusCode != 200 {
		body, _ := io.ReadAll(res.Body)
		h.t.Fatalf("GET %s = %d %s", path, res.StatusCode, body)
	}
	out := &reader{t: h.t, header: res.Header, lines: bufio.NewReaderSize(res.Body, 64<<10), body: res.Body, leave: leave}
	h.t.Cleanup(out.close)
	return out
}

// streamOf opens the stream of a channel with positions, from a cursor or, with
// "", from now.
func (h *hall) streamOf(channel string, since agentbridge.MessageID) *reader {
	h.t.Helper()
	path := "/events/channel/" + url.PathEscape(channel)
	if since != "" {
		path = query(path, "positions", "1", "since_id", string(since))
	} else {
		path = query(path, "positions", "1")
	}
	return h.stream(path)
}

func (r *reader) close() {
	r.leave()
	r.body.Close()
}

// next returns the next frame, and false at the end of the stream.
func (r *reader) next() (f frame, ok bool) {
	r.t.Helper()
	for began := false; ; began = true {
		line, err := r.lines.ReadString('\n')
		if err == io.EOF && line == "" && !began {
			return f, false
		}
		if err != nil {
			r.t.Fatalf("the stream broke off in %q: %v", line, err)
		}
		text, crlf := strings.CutSuffix(line, "\r\n")
		if !crlf {
			r.t.Errorf("line %q does not end with CRLF", line)
		}
		switch name, value, _ := strings.Cut(text, ": "); {
		case text == "":
			if f.id != "" {
				r.last = f.id
			}
			return f, true
		case name == "":
			f.comment = value
		case name == "id":
			f.id = value
		case name == "event":
			f.event = value
		case name == "data" && f.data == "":
			f.data = value
		default:
			r.t.Errorf("line %q: not of a frame, or a second line of data", text)
		}
	}
}

// event returns the next frame that a client without our rule would take for
// an event: one with data. Everything else must be a position or a ping.
func (r *reader) event() frame {
	r.t.Helper()
	f, ok := r.tryEvent()
	if !ok {
		r.t.Fatal("the stream ended")
	}
	return f
}

func (r *reader) tryEvent() (frame, bool) {
	r.t.Helper()
	for {
		f, ok := r.next()
		if !ok || f.data != "" {
			return f, ok
		}
		if f.comment == "" && (f.event != "position" || f.id == "") {
			r.t.Errorf("frame %+v: want data, a position or a ping", f)
		}
	}
}

func (r *reader) wantMessage() (m wire.StreamMessage) {
	r.t.Helper()
	f := r.event()
	if f.event != "message" {
		r.t.Fatalf("%s %s, want a message", f.event, agentbridge.Preview(f.data, 200))
	}
	if err := json.Unmarshal([]byte(f.data), &m); err != nil {
		r.t.Fatalf("data %.200q: %v", f.data, err)
	}
	if f.id != string(m.ID) {
		r.t.Errorf("id: %q, want the message's, %q", f.id, m.ID)
	}
	return m
}

func (r *reader) wantTexts(want ...string) {
	r.t.Helper()
	for _, text := range want {
		if m := r.wantMessage(); m.Content != text {
			r.t.Fatalf("message %.100q, want %.100q", m.Content, text)
		}
	}
}

// wantEvent checks that the next event is this one, without an id.
func (r *reader) wantEvent(event, data string) {
	r.t.Helper()
	if f := r.event(); f.event != event || f.data != data {
		r.t.Fatalf("%s %s, want %s %s", f.event, agentbridge.Preview(f.data, 200), event, data)
	}
}

// wantPosition checks that the next frame moves the cursor and is no event.
func (r *reader) wantPosition() string {
	r.t.Helper()
	f, ok := r.next()
	if !ok || f.id == "" || f.data != "" || f.event != "position" {
		r.t.Fatalf("frame %+v, want a position", f)
	}
	return f.id
}

func (r *reader) wantEnd() {
	r.t.Helper()
	if f, ok := r.tryEvent(); ok {
		r.t.Fatalf("%s %s, want the end of the stream", f.event, agentbridge.Preview(f.data, 200))
	}
}
