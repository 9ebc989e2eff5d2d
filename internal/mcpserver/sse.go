// This file serves the transport of 2024-11-05: GET /sse opens a stream that carries all replies, and POST
// /messages/ carries the requests to it. Deprecated, and still what older clients speak.

package mcpserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxPosted is how many messages of one client wait until the SDK reads them.
const maxPosted = 100

// A listener is the open stream of one client.
type listener struct {
	*mcp.SSEServerTransport
	user   agentbridge.AgentName // who opened it; the SDK would let any user post
	posted chan jsonrpc.Message

	once   sync.Once
	closed chan struct{}
}

// Connect implements mcp.Transport.
func (l *listener) Connect(ctx context.Context) (mcp.Connection, error) {
	conn, err := l.SSEServerTransport.Connect(ctx)
	return &sseConn{Connection: conn, l: l}, err
}

// sseConn writes with the SDK and reads what was posted to the listener.
type sseConn struct {
	mcp.Connection
	l     *listener
	calls unanswered
}

func (c *sseConn) Write(ctx context.Context, message jsonrpc.Message) error {
	if answer, ok := message.(*jsonrpc.Response); ok && !c.calls.answer(answer.ID) {
		return nil // the SDK's context of the call ends now: onReply takes the reply for lost
	}
	return c.Connection.Write(ctx, message)
}

func (c *sseConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	select {
	case m := <-c.l.posted:
		c.calls.read(m)
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.l.closed:
		return nil, io.EOF
	}
}

func (c *sseConn) Close() error {
	c.l.once.Do(func() { close(c.l.closed) })
	return c.Connection.Close()
}

// serveSSE runs as long as the stream is open. The SDK's own SSEHandler would do with less, but it names
// other URLs than the clients of reference B know, and does not bind the session to its user.
func (t *transports) serveSSE(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		refuseMethod(w, "GET")
		return
	}
	user := userOf(r.Context())
	if !t.reserve(user) {
		refuseSession(w)
		return
	}
	defer t.sessions.release(user)
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
	l := &listener{
		SSEServerTransport: &mcp.SSEServerTransport{Endpoint: "/messages/?session_id=" + id, Response: x.stream},
		user:               user,
		posted:             make(chan jsonrpc.Message, maxPosted),
		closed:             make(chan struct{}),
	}
	t.listen(id, l)
	defer t.listen(id, nil)

	session, err := t.server.Connect(x.ctx, l, nil) // sends the endpoint
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
		if body, ok := t.readBody(w, r); ok {
			l.servePost(w, r, body)
		}
	}
}

// servePost queues a message. The SDK would forget who posted it: a call acts for them, and not for whoever
// opened the stream, who may have been given more.
func (l *listener) servePost(w http.ResponseWriter, r *http.Request, body []byte) {
	message, err := jsonrpc.DecodeMessage(body)
	if err != nil {
		writeRPCError(w, http.StatusBadRequest, jsonrpc.CodeInvalidRequest, "Invalid Request: "+err.Error())
		return
	}
	if request, ok := message.(*jsonrpc.Request); ok {
		request.Extra = postedBy(agentbridge.PrincipalOf(r.Context()))
	}
	select {
	case l.posted <- message:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "Accepted") // the word that clients of reference B have seen; the message is in the queue either way
	case <-l.closed:
		wire.WriteError(w, http.StatusNotFound, "Could not find session")
	case <-r.Context().Done():
	}
}
