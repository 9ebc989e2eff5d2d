// This file is about what a request carries: its media type, its size and the time it takes to arrive.

package boundary

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"agentbridge"
)

// checkMediaType insists on JSON where a body is read: no page can send it to another origin without a
// preflight.
func checkMediaType(v *visit) *refusal {
	carries := v.r.Method == http.MethodPost || v.r.Method == http.MethodPut || v.r.Method == http.MethodPatch
	asJSON := isBelow(v.path, "/messages", "/mcp", "/api/conversations") ||
		slices.Contains([]string{"/api/send", "/api/ack", "/api/clear"}, v.path)
	if carries && asJSON && !isJSON(v.r.Header.Values("Content-Type")) {
		return reject(http.StatusUnsupportedMediaType, "content-type must be application/json")
	}
	return nil
}

func isJSON(values []string) bool {
	if len(values) != 1 {
		return false
	}
	mediaType, _, _ := strings.Cut(values[0], ";")
	subtype, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(mediaType)), "application/")
	return ok && (subtype == "json" || strings.HasSuffix(subtype, "+json"))
}

func (b *Boundary) maxBody(v *visit) int64 {
	if isBelow(v.path, "/mcp", "/messages", "/api/send") {
		return 4 * b.opts.MaxRequestBytes
	}
	return b.opts.MaxRequestBytes
}

var tooLarge = &refusal{
	action: agentbridge.ActionOversizeReject, status: http.StatusRequestEntityTooLarge, message: "request body too large",
}

// checkLength refuses by what a client says it will send. What it sends unsaid is limitBody's.
func (b *Boundary) checkLength(v *visit) *refusal {
	if v.r.ContentLength > b.maxBody(v) {
		return tooLarge
	}
	return nil
}

// limitBodyTime gives a body, if there is one, its time to arrive. The deadline ends only reads of the body:
// at its end, when it begins to watch for the client's leaving, net/http takes the deadline away, and again
// before the connection's next request. Over HTTP/2 it is the stream's. Long polls and streams depend on that;
// TestSlowBody_thenLongAnswer holds it.
func (b *Boundary) limitBodyTime(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 { // -1 if it is not known; without a body a deadline would end the watching
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(b.bodyTime)) // only a test's writer can't
	}
}

// leaveBody gives up the body of a refused request, and with it the connection: otherwise net/http would wait
// for the rest of it before it answers.
func leaveBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // only a test's writer can't
	}
}

// limitBody returns the body of an admitted request: a read beyond the limit is an *http.MaxBytesError. Until
// its end has come the connection counts as waited for.
func (b *Boundary) limitBody(w http.ResponseWriter, v *visit) io.ReadCloser {
	if v.r.ContentLength == 0 {
		return v.r.Body
	}
	a := arrivalOf(v.r)
	if a != nil {
		a.wait()
	}
	return &body{
		ReadCloser: http.MaxBytesReader(w, v.r.Body, b.maxBody(v)),
		tooLarge:   sync.OnceFunc(func() { b.report(v, tooLarge) }),
		read: sync.OnceFunc(func() {
			if a != nil {
				a.serve()
			}
		}),
	}
}

// body notices that it is too large, and that it needs no more waiting for.
type body struct {
	io.ReadCloser
	tooLarge func()
	read     func()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.read()
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		b.tooLarge()
	}
	return n, err
}
