// This file serves the transport of 2024-11-05: GET /sse opens a stream that carries all replies, and POST
// /messages/ carries the requests to it. Deprecated, and still what older clients speak.

package mcpserver

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"time"

	"agentbridge/internal/wire"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A listener is the open stream of one client.
type listener struct {
	transport *mcp.SSEServerTransport
	user      string // whose token opened it; the SDK would let any user post
}

// serveSSE runs as long as the stream is open. The SDK's own SSEHandler would do with less, but it names
// other URLs than the clients of reference B know, and does not bind the session to its user.
func (t *transports) serveSSE(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		refuseMethod(w, "GET")
		return
	}
	if !t.sessions.reserve() {
		refuseSession(w)
		return
	}
	defer t.sessions.release()
	x, ok := t.open(r.Context(), w)
	if !ok {
		refuseClosed(w)
		return
	}
	defer t.shut(x)
	defer x.stream.end()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache, no-transform")
	w.Header().Set("X-Accel-Buffering", "no")

	var random [16]byte
	rand.Read(random[:]) // never fails
	id := hex.EncodeToString(random[:])
	l := &listener{transport: &mcp.SSEServerTransport{
		Endpoint:            "/messages/?session_id=" + id,
		Response:            x.stream,
		MaxRequestBodyBytes: t.opts.MaxBody,
	}}
	if info := auth.TokenInfoFromContext(r.Context()); info != nil {
		l.user = info.UserID
	}
	t.listen(id, l)
	defer t.listen(id, nil)

	session, err := t.server.Connect(x.ctx, l.transport, nil) // sends the endpoint
	if err != nil {
		return // the client left at once
	}
	<-x.ctx.Done()
	select {
	case <-t.closeSession(session):
	case <-time.After(time.Second): // a tool ignores its context; after end its reply goes nowhere
	}
}

// listen sets or, with nil, removes the listener of a session.
func (t *transports) listen(id string, l *listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l == nil {
		delete(t.listeners, id)
	} else {
		t.listeners[id] = l
	}
}

func (t *transports) serveMessages(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		refuseMethod(w, "POST")
		return
	}
	id := r.URL.Query().Get("session_id")
	t.mu.Lock()
	l := t.listeners[id]
	t.mu.Unlock()
	raw, err := hex.DecodeString(id)
	switch {
	case id == "":
		wire.WriteError(w, http.StatusBadRequest, "session_id is required")
	case err != nil || len(raw) != 16:
		wire.WriteError(w, http.StatusBadRequest, "Invalid session ID")
	case l == nil:
		wire.WriteError(w, http.StatusNotFound, "Could not find session")
	case !sameUser(r, l.user):
		wire.WriteError(w, http.StatusForbidden, "the session belongs to another user")
	default:
		r = r.Clone(r.Context())
		if _, ok := t.readBody(w, r); ok {
			l.transport.ServeHTTP(accepting{w}, r)
		}
	}
}

// accepting adds the word that clients of reference B have seen.
type accepting struct{ http.ResponseWriter }

func (w accepting) WriteHeader(status int) {
	if status != http.StatusAccepted {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.ResponseWriter.WriteHeader(status)
	_, _ = io.WriteString(w.ResponseWriter, "Accepted") // the message is in the queue either way
}
