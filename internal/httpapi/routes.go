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

// route is what a path offers: one method, and HEAD where that is GET. It
// answers, or begins a stream; rest is what stands behind a path that goes on.
type route struct {
	method string
	answer endpoint
	stream func(s *Server, w http.ResponseWriter, r *http.Request, q params, rest string) error
}

func get(e endpoint) route  { return route{method: http.MethodGet, answer: e} }
func post(e endpoint) route { return route{method: http.MethodPost, answer: e} }

// There is no http.ServeMux here because it would redirect channel names that
// hold "//" or "..", and answer in plain text.
var routes = map[string]route{
	"/status":                 get(status),
	"/api/state":              get(state),
	"/api/ping":               get(ping),
	"/api/channels":           get(channels),
	"/api/overview":           get(overview),
	"/api/messages":           get(messages),
	"/api/wait":               get(wait),
	"/api/audit":              get(audit),
	"/api/events":             {method: http.MethodGet, stream: (*Server).eventStream},
	"/api/send":               post(send),
	"/api/ack":                post(ack),
	"/api/clear":              post(clearChannel),
	"/api/conversations":      post(createConversation),
	"/api/conversations/join": post(joinConversation),
}

// Paths that go on.
const (
	messagePath = "/api/messages/"
	channelPath = "/events/channel/"
)

var longRoutes = map[string]route{
	messagePath: get(detail),
	channelPath: {method: http.MethodGet, stream: (*Server).channelStream},
}

// find returns what a path offers, and what stands behind one that goes on.
func find(path string) (found route, rest string, ok bool) {
	for begin, route := range longRoutes {
		if rest, ok := strings.CutPrefix(path, begin); ok {
			return route, rest, true
		}
	}
	found, ok = routes[path]
	return found, "", ok
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	route, rest, ok := find(r.URL.Path)
	switch {
	case !ok:
		wire.WriteError(w, http.StatusNotFound, "not found")
	case !allowed(w, r, route.method):
	case route.stream != nil:
		s.begin(w, r, route, rest)
	default:
		s.answer(w, r, route.answer)
	}
}

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
	session, err := s.bridge.Open(r.Context(), agentbridge.PrincipalOf(r.Context()))
	if err != nil {
		return nil, err
	}
	return ask(r.Context(), &call{Request: r, server: s, session: session, query: query, header: w.Header()})
}

// begin lets a stream begin, and answers with JSON if it can't.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, route route, rest string) {
	query, err := parseQuery(r.URL)
	if err == nil {
		err = route.stream(s, w, r, query, rest)
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
