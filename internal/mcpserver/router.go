// This file serves /mcp: revisions up to 2025-11-25 with their sessions, and 2026-07-28 without, on one URL.
// The SDK has a handler for each; neither can do both.

package mcpserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"agentbridge/internal/wire"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

const (
	sessionHeader  = "Mcp-Session-Id"
	revisionHeader = "Mcp-Protocol-Version"
	methodHeader   = "Mcp-Method"

	codeSessionNotFound = -32001
)

func (t *transports) serveMCP(w http.ResponseWriter, r *http.Request) {
	modern := t.opts.Stateless || r.Header.Get(revisionHeader) >= modernRevision
	id := r.Header.Get(sessionHeader)
	switch r.Method {
	case http.MethodPost:
		t.servePost(w, r, id, modern)
	case http.MethodGet, http.MethodDelete:
		if modern || id == "" {
			refuseMethod(w, "POST")
			return
		}
		sess := t.sessionOf(w, r, id)
		if sess == nil {
			return
		}
		if r.Method == http.MethodDelete {
			t.serveDelete(w, sess)
			return
		}
		t.carry(w, r, passage{session: sess, sdk: t.stateful})
	default:
		refuseMethod(w, "GET, POST, DELETE")
	}
}

func refuseMethod(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	wire.WriteError(w, http.StatusMethodNotAllowed, "method not allowed")
}

// sessionOf answers and returns nil if there is no such session, or it is another user's.
func (t *transports) sessionOf(w http.ResponseWriter, r *http.Request, id string) *session {
	sess := t.sessions.get(id)
	switch {
	case sess == nil:
		writeRPCError(w, http.StatusNotFound, codeSessionNotFound, "Session not found")
	case !sameUser(r, sess.user):
		wire.WriteError(w, http.StatusForbidden, "the session belongs to another user")
	default:
		return sess
	}
	return nil
}

// serveDelete does not leave it to the SDK, which would wait for running calls.
func (t *transports) serveDelete(w http.ResponseWriter, sess *session) {
	select {
	case <-t.endSession(sess):
	case <-time.After(time.Second): // a tool ignores its context; the session is gone for its client
	}
	w.WriteHeader(http.StatusNoContent)
}

// servePost finds the era of a request: the header says it, else a session does, else the body.
func (t *transports) servePost(w http.ResponseWriter, r *http.Request, id string, modern bool) {
	body, ok := t.readBody(w, r)
	if !ok {
		return
	}
	if modern {
		t.carry(w, r, passage{body: body, sdk: t.stateless})
		return
	}
	if id != "" {
		if sess := t.sessionOf(w, r, id); sess != nil {
			t.carry(w, r, passage{body: body, session: sess, sdk: t.stateful})
		}
		return
	}
	switch seen := peek(body); {
	case seen.revision != "": // the SDK says what is wrong with the header
		t.carry(w, r, passage{body: body, sdk: t.stateless})
	case seen.method != "initialize":
		writeRPCError(w, http.StatusBadRequest, jsonrpc.CodeInvalidRequest, "Bad Request: Missing session ID")
	case !t.reserve(userOf(r.Context())):
		refuseSession(w)
	default:
		t.carry(w, r, passage{body: body, admitted: true, sdk: t.stateful})
	}
}

// peeked is what is seen of a body before the SDK reads it.
type peeked struct {
	method   string
	revision string          // of its _meta
	id       json.RawMessage // nil if it has none
}

// peek reads what decides about the era. What it cannot read it leaves to the SDK to refuse. It reads the whole
// body, which costs a call some 4 % of its time: ask only where the headers leave it open.
func peek(body []byte) peeked {
	var message struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			Meta struct {
				Revision string `json:"io.modelcontextprotocol/protocolVersion"`
			} `json:"_meta"`
		} `json:"params"`
	}
	_ = json.Unmarshal(body, &message)
	return peeked{message.Method, message.Params.Meta.Revision, message.ID}
}

// passage is one request on its way through the SDK.
type passage struct {
	body     []byte   // of a POST
	session  *session // nil if it belongs to none yet
	admitted bool     // it holds a reserved place
	sdk      http.Handler
}

// carry runs one request through the SDK as an exchange.
func (t *transports) carry(w http.ResponseWriter, r *http.Request, p passage) {
	x, ok := t.open(r.Context(), w)
	if !ok {
		if p.admitted {
			t.sessions.release(userOf(r.Context()))
		}
		refuseClosed(w)
		return
	}
	defer t.shut(x)
	x.admitted = p.admitted
	defer t.leave(x)
	defer x.stream.end()

	if p.session != nil && !t.sessions.join(p.session, x) {
		writeRPCError(w, http.StatusNotFound, codeSessionNotFound, "Session not found")
		return
	}
	w.Header().Set("X-Accel-Buffering", "no")
	r = r.Clone(x.ctx)
	r.Header.Set(exchangeHeader, x.id)
	if r.Method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json") // the SDK does not know application/*+json
		x.stream.request = p.body
		x.stream.plain = relaxAccept(r)
		x.stream.single = isSingle(p.body)
		x.stream.either = x.stream.single && !x.stream.plain
		if r.Header.Get(revisionHeader) >= modernRevision && r.Header.Get(methodHeader) == "" {
			nameNotification(r.Header, p.body)
		}
	}
	p.sdk.ServeHTTP(x.stream, r)
}

// nameNotification gives a notification the header that names its method. 2026-07-28 wants that of requests,
// and the SDK of notifications too, which clients of the TypeScript SDK send without it.
func nameNotification(h http.Header, body []byte) {
	if seen := peek(body); isSingle(body) && seen.id == nil && seen.method != "" {
		h.Set(methodHeader, seen.method)
	}
}

// isSingle tells a message from a batch.
func isSingle(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) }

func refuseClosed(w http.ResponseWriter) {
	wire.WriteError(w, http.StatusServiceUnavailable, "the server is shutting down")
}

// relaxAccept makes the Accept header one that the SDK takes: it wants both types named; a missing one means
// anything. A client that names only JSON gets the one JSON document that a response is, and nothing before it.
func relaxAccept(r *http.Request) (plain bool) {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	const both = "application/json, text/event-stream"
	switch {
	case accept == "":
		r.Header.Set("Accept", both)
	case strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/") && !strings.Contains(accept, "*/*"):
		r.Header.Set("Accept", both)
		return true
	}
	return false
}
