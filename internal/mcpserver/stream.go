// This file writes HTTP responses for the SDK: each write has a deadline, idle streams carry keep-alives,
// and a reply that was waited for is reported once it is out.

package mcpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"agentbridge/internal/wire"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// hurryTime is what a write in progress still gets when we end its stream.
const hurryTime = 250 * time.Millisecond

// A stream is the response writer that the SDK gets in place of the real one. Every event of the SDK is one
// Write, so a comment may go between two of them. After end nothing touches the real writer any more.
type stream struct {
	x         *exchange
	replies   *deliveries
	timeout   time.Duration // for one write
	keepAlive time.Duration
	single    bool   // the request is one message, not a batch: there is one response
	plain     bool   // the answer is one JSON document, not events
	either    bool   // what is written first decides that: a response makes it plain
	request   []byte // the message that is answered

	wrote atomic.Bool // a Write has succeeded

	mu      sync.Mutex // guards w and the fields below; held while writing
	w       http.ResponseWriter
	rc      *http.ResponseController
	ended   bool
	started bool        // the header is out
	events  bool        // the body is an event stream
	late    bool        // the SDK sends a bare error although events have begun
	failed  int         // the status of an error of the SDK's, which is plain text until we encode it
	ping    *time.Timer // nil until the first event

	deadline sync.Mutex // guards writing, and the deadline of the connection with it
	writing  bool
}

func newStream(t *transports, x *exchange, w http.ResponseWriter) *stream {
	return &stream{
		x: x, replies: &t.replies, timeout: t.opts.WriteTimeout, keepAlive: t.opts.KeepAlive,
		w: w, rc: http.NewResponseController(w),
	}
}

func (s *stream) Header() http.Header { return s.w.Header() }

func (s *stream) WriteHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		s.late = s.events
	} else if !s.ended && !s.undecided() {
		s.start(status)
	}
}

// undecided tells whether the first write is still to say what the body is. The caller holds s.mu.
func (s *stream) undecided() bool {
	return s.either && s.w.Header().Get("Content-Type") == "text/event-stream"
}

// start sends the header. The caller holds s.mu.
func (s *stream) start(status int) {
	s.started = true
	header := s.w.Header()
	switch contentType := header.Get("Content-Type"); {
	case status >= 400 && strings.HasPrefix(contentType, "text/plain"): // http.Error
		s.failed = status
		header.Set("Content-Type", "application/json")
		return // what it says decides about the status
	case contentType == "text/event-stream" && s.plain:
		header.Set("Content-Type", "application/json")
	case contentType == "text/event-stream":
		s.events = true
	}
	s.w.WriteHeader(status)
}

func (s *stream) Write(p []byte) (int, error) {
	tokens := s.replies.claim(p)
	err := s.write(p)
	s.replies.settleAll(tokens, err == nil)
	if err != nil {
		return 0, err
	}
	s.wrote.Store(true)
	return len(p), nil
}

// answered reports whether anything of the SDK's was written.
func (s *stream) answered() bool { return s.wrote.Load() }

func (s *stream) write(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started && !s.ended {
		return s.writeFirst(p)
	}
	switch {
	case s.failed != 0:
		p = s.fail(strings.TrimSpace(string(p)))
	case s.late:
		p = fmt.Appendf(nil, "event: message\ndata: %s\n\n", p)
	case s.plain && isEvent(p):
		var ok bool
		if p, ok = response(p); !ok {
			return nil
		}
	}
	return s.put(wire.OneLine(p))
}

// writeFirst writes what decides about the header. The caller holds s.mu.
func (s *stream) writeFirst(p []byte) error {
	answer, ok := response(p)
	if s.undecided() {
		s.plain = ok
	}
	if !s.plain || !isEvent(p) {
		s.start(http.StatusOK)
		return s.put(wire.OneLine(p))
	}
	if !ok { // the document is still to come
		s.start(http.StatusOK)
		return nil
	}
	answer = wire.OneLine(answer)
	if s.single { // of known length, it needs no chunks and leaves in one piece
		s.w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	}
	s.start(http.StatusOK)
	return s.put(answer)
}

// fail turns an error of the SDK's into one of JSON-RPC. A method that nobody knows is a request that was
// read well, so its own id comes back (JSON-RPC 2.0 §5). The caller holds s.mu.
func (s *stream) fail(text string) []byte {
	status, code, id := s.failed, codeOf(s.failed), peek(s.request).id
	if method, ok := strings.CutPrefix(text, "JSON RPC not handled: "); ok && id != nil {
		status, code, text = http.StatusOK, jsonrpc.CodeMethodNotFound, "method not found: "+method
	}
	s.w.WriteHeader(status)
	return rpcError(id, code, text)
}

// codeOf names the SDK's HTTP errors in JSON-RPC terms; -32001 is what other servers use for sessions.
func codeOf(status int) int {
	if status == http.StatusNotFound {
		return codeSessionNotFound
	}
	return jsonrpc.CodeInvalidRequest
}

func isEvent(p []byte) bool { return bytes.HasPrefix(p, []byte("event: message\n")) }

// response returns the JSON-RPC response in an event. Progress and other notifications have no place in a
// single document.
func response(event []byte) ([]byte, bool) {
	_, data, ok := bytes.Cut(event, []byte("\ndata: "))
	if !ok {
		return nil, false
	}
	data = bytes.TrimSpace(data)
	if answersFirst(data) {
		return data, true
	}
	var message struct {
		Method *string `json:"method"`
	}
	return data, json.Unmarshal(data, &message) == nil && message.Method == nil
}

// answersFirst tells at a glance that a message is a response to a number, as the SDK writes almost all of them,
// so that a large result need not be read again. What it does not recognise may be one nevertheless.
func answersFirst(message []byte) bool {
	rest, ok := bytes.CutPrefix(message, []byte(`{"jsonrpc":"2.0","id":`))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, "0123456789"), []byte(`,"result":{`))
}

// put writes p and flushes it. A client that does not take it in time is gone. The caller holds s.mu.
func (s *stream) put(p []byte) error {
	if s.ended {
		return errAnswered
	}
	if err := s.beginWrite(); err != nil {
		return err
	}
	_, err := s.w.Write(p)
	if err == nil {
		err = s.rc.Flush()
	}
	s.deadline.Lock()
	s.writing = false
	if err == nil { // HTTP/2 would end a stream at its deadline even if nothing is written
		_ = s.rc.SetWriteDeadline(time.Time{})
	}
	s.deadline.Unlock()
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.x.cancel(fmt.Errorf("%w: %w", errClientGone, err))
		return err
	}
	if s.events {
		s.pingLater()
	}
	return nil
}

func (s *stream) beginWrite() error {
	s.deadline.Lock()
	defer s.deadline.Unlock()
	if s.x.ctx.Err() != nil {
		return errClientGone
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(s.timeout)) // only writers of tests cannot
	s.writing = true
	return nil
}

// hurry shortens the deadline of a write in progress; the exchange has been cancelled, so that no other follows.
func (s *stream) hurry() {
	s.deadline.Lock()
	defer s.deadline.Unlock()
	if s.writing {
		_ = s.rc.SetWriteDeadline(time.Now().Add(hurryTime))
	}
}

// Flush and FlushError do what little put has left.
func (s *stream) Flush() { _ = s.FlushError() }

func (s *stream) FlushError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.ended {
		return nil
	}
	s.start(http.StatusOK)
	return s.rc.Flush()
}

// begin opens the event stream of a POST before there is an event. The SDK has set the headers by then, and
// nothing else writes to the stream before the tool does.
func (s *stream) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plain || s.started || s.ended {
		return
	}
	s.start(http.StatusOK)
	_ = s.put([]byte(": ok\n\n")) // put has told the exchange
}

// pingLater restarts the wait for the next keep-alive. The caller holds s.mu.
func (s *stream) pingLater() {
	if s.ping != nil {
		s.ping.Reset(s.keepAlive)
		return
	}
	s.ping = time.AfterFunc(s.keepAlive, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.ended {
			_ = s.put([]byte(": ping\n\n")) // put has told the exchange
		}
	})
}

// end must be called before the HTTP handler returns. It waits for a write in progress.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.ping != nil {
		s.ping.Stop()
	}
	// net/http still has the end of the body to write. It takes the deadline off before the next request.
	_ = s.rc.SetWriteDeadline(time.Now().Add(s.timeout))
}
