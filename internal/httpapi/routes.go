package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"agentbridge"
	"agentbridge/internal/wire"
)

// call is a request on its way to an endpoint.
type call struct {
	*http.Request
	server  *Server
	session agentbridge.Session
	query   params
	header  http.Header // of the answer
}

// endpoint answers a call with a value that becomes JSON, or with a refusal.
type endpoint func(ctx context.Context, c *call) (any, error)

// route is what a path offers: one method, and HEAD where that is GET.
type route struct {
	method string
	answer endpoint
}

// There is no http.ServeMux here because it would redirect channel names that
// hold "//" or "..", and answer in plain text.
var routes = map[string]route{
	"/status":            {http.MethodGet, status},
	"/api/state":         {http.MethodGet, state},
	"/api/ping":          {http.MethodGet, ping},
	"/api/channels":      {http.MethodGet, channels},
	"/api/overview":      {http.MethodGet, overview},
	"/api/messages":      {http.MethodGet, messages},
	"/api/wait":          {http.MethodGet, wait},
	"/api/audit":         {http.MethodGet, audit},
	"/api/send":          {http.MethodPost, send},
	"/api/ack":           {http.MethodPost, ack},
	"/api/clear":         {http.MethodPost, clearChannel},
	"/api/conversations": {http.MethodPost, createConversation},
}

// Paths that go on.
const (
	messagePath = "/api/messages/"
	channelPath = "/events/channel/"
)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, channelPath); ok {
		s.serveStream(w, r, func(q params) error { return s.channelStream(w, r, q, name) })
		return
	}
	if r.URL.Path == "/api/events" {
		s.serveStream(w, r, func(q params) error { return s.eventStream(w, r, q) })
		return
	}
	route, ok := routes[r.URL.Path]
	if strings.HasPrefix(r.URL.Path, messagePath) {
		route, ok = detailRoute, true
	}
	if !ok {
		wire.WriteError(w, http.StatusNotFound, "not found")
		return
	}
	if allowed(w, r, route.method) {
		s.answer(w, r, route.answer)
	}
}

var detailRoute = route{http.MethodGet, detail} // of messagePath

// answer opens a session, asks the endpoint and writes what it says.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, ask endpoint) {
	v, err := s.ask(w, r, ask)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	wire.WriteJSON(w, http.StatusOK, v)
}

func (s *Server) ask(w http.ResponseWriter, r *http.Request, ask endpoint) (any, error) {
	query, err := parseQuery(r.URL)
	if err != nil {
		return nil, err
	}
	session, err := s.bridge.Open(r.Context())
	if err != nil {
		return nil, err
	}
	return ask(r.Context(), &call{Request: r, server: s, session: session, query: query, header: w.Header()})
}

// serveStream lets a stream begin, and answers with JSON if it can't. A stream
// that began returns nil.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request, begin func(params) error) {
	if !allowed(w, r, http.MethodGet) {
		return
	}
	query, err := parseQuery(r.URL)
	if err == nil {
		err = begin(query)
	}
	if err != nil {
		s.refuse(w, r, err)
	}
}

// allowed tells whether the path offers the request's method, and answers if
// not.
func allowed(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method || method == http.MethodGet && r.Method == http.MethodHead {
		return true
	}
	body := wire.Error{Error: "method not allowed: use " + method + " on " + path(r.URL), Hint: method + " " + path(r.URL)}
	if r.URL.Path == "/api/messages" { // many try it
		body = wire.Error{Error: "method not allowed: /api/messages is for reading with GET; to send a message, POST it to /api/send", Hint: "POST /api/send"}
	}
	w.Header().Set("Allow", method)
	wire.WriteJSON(w, http.StatusMethodNotAllowed, body)
	return false
}

// path is a request's path as it is told back to whoever asked.
func path(u *url.URL) string { return agentbridge.Preview(u.EscapedPath(), 100) }
