// This file is the front of the transports: one *mcp.Server reachable over stdio, over /mcp in both
// protocol eras and over the older /sse with /messages/. It decides which era answers, and
// how everything ends. The SDK does the protocol; what it leaves open is closed here and in the files beside it.

package mcpserver

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// transportOptions are the limits of the transports. The zero value of each field means its default.
type transportOptions struct {
	Logger *slog.Logger // nil logs nothing

	MaxBody      int64         // bytes of one POST body; default 1 MiB
	MaxSessions  int           // sessions of /mcp before 2026-07-28 and of /sse together, of which one agent has a twentieth; default 1000
	SessionIdle  time.Duration // a session without traffic and without an open stream ends after this; default 30 min
	KeepAlive    time.Duration // an open event stream carries a comment at least this often; default 15 s
	WriteTimeout time.Duration // a client that does not read is cut after this; default 10 s

	Stateless bool // no sessions on /mcp, whatever the revision
}

func (o transportOptions) withDefaults() transportOptions {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 1 << 20
	}
	if o.MaxSessions <= 0 {
		o.MaxSessions = 1000
	}
	if o.SessionIdle <= 0 {
		o.SessionIdle = 30 * time.Minute
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = 15 * time.Second
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 10 * time.Second
	}
	return o
}

// Why an exchange ended; seen as context.Cause in tool handlers.
var (
	errAnswered     = errors.New("the request has been answered")
	errClosed       = errors.New("the server is shutting down")
	errSessionEnded = errors.New("the session has ended")
	errClientGone   = errors.New("the client is gone")
)

// transports carries one *mcp.Server over stdio, /mcp (both eras) and the older /sse with /messages/.
type transports struct {
	server   *mcp.Server
	opts     transportOptions
	replies  deliveries
	sessions sessions
	closing  tally // sessions of the SDK that are being closed

	stateful  http.Handler // revisions up to 2025-11-25
	stateless http.Handler // 2026-07-28 and later

	mu        sync.Mutex // guards the fields below
	exchanges map[string]*exchange
	listeners map[string]*listener // by session_id of /sse
	closed    bool
	leaveBy   time.Time // when a client of stdio has left: what close may use of its time
}

// newTransports also installs the receiving middleware that calls depend on. Install other middleware
// before, so that this one stays outermost.
func newTransports(server *mcp.Server, opts transportOptions) *transports {
	opts = opts.withDefaults()
	t := &transports{
		server:    server,
		opts:      opts,
		exchanges: make(map[string]*exchange),
		listeners: make(map[string]*listener),
	}
	t.sessions = sessions{limit: opts.MaxSessions, idle: opts.SessionIdle, byID: make(map[string]*session), heldBy: make(map[agentbridge.AgentName]int)}

	// No SessionTimeout: the SDK's ignores an open GET. No EventStore: the cursor does what resuming
	// would do, and with a store a write to a client that is gone counts as delivered. The SDK's own
	// Host check is off because the boundary before us is stricter, and knows the trusted hosts.
	handler := func(stateless bool) http.Handler {
		return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
			Stateless:                    stateless,
			PropagateRequestCancellation: stateless,
			Logger:                       sdkLogger(opts.Logger),
			MaxRequestBodyBytes:          opts.MaxBody,
			DisableLocalhostProtection:   true,
		})
	}
	t.stateful, t.stateless = handler(false), handler(true)
	server.AddReceivingMiddleware(t.middleware())
	return t
}

// handler serves exactly /mcp, /sse and /messages/; anything else is 404. Who may connect is for others to say.
func (t *transports) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/mcp":
			t.serveMCP(w, r)
		case "/sse":
			t.serveSSE(w, r)
		case "/messages", "/messages/":
			t.serveMessages(w, r)
		default:
			wire.WriteError(w, http.StatusNotFound, "not found")
		}
	})
}

// close ends every stream, call and session, all at once, and waits for the functions given to onReply. It
// takes at most three seconds, less after serveStdio, which has waited already, and a few milliseconds unless
// a tool ignores its context. Call it before http.Server.Shutdown, which otherwise waits for open streams for ever.
func (t *transports) close() {
	t.mu.Lock()
	t.closed = true
	open := make([]*exchange, 0, len(t.exchanges))
	for _, x := range t.exchanges {
		open = append(open, x)
	}
	t.mu.Unlock()

	for _, x := range open {
		x.cut(errClosed)
	}
	for _, s := range t.sessions.close() {
		t.endSession(s)
	}
	t.closing.wait(t.timeLeft(time.Second))
	t.replies.running.wait(t.timeLeft(2 * time.Second))
}

// leaveWithin limits all waiting from here on: a client of stdio kills a process that does not end.
func (t *transports) leaveWithin(limit time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaveBy = time.Now().Add(limit)
}

// timeLeft is limit, or what leaveWithin has left of it.
func (t *transports) timeLeft(limit time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.leaveBy.IsZero() {
		return limit
	}
	return min(limit, time.Until(t.leaveBy))
}

// An exchange is one carrier of replies: an HTTP request whose response is a stream, or the stdio
// connection. Its end is the one sign, the same for every transport, that a reply can no longer arrive.
type exchange struct {
	id     string
	ctx    context.Context // like http.Request's, which it stands for; carries the exchange as a value
	cancel context.CancelCauseFunc
	stream *stream // nil on stdio

	admitted bool // an initialize request, which holds the place of the session it may become

	// Guarded by sessions.mu.
	session *session // of /mcp before 2026-07-28
	left    bool     // it can neither join nor open a session any more

	mu       sync.Mutex // guards revision
	revision string     // negotiated on this connection; only stdio asks
}

type exchangeKey struct{}

// open registers an exchange that lives at most as long as ctx and, unless w is nil, writes to w. It reports
// false after close, which may cut the exchange as soon as it is registered.
func (t *transports) open(ctx context.Context, w http.ResponseWriter) (*exchange, bool) {
	x := &exchange{id: rand.Text()}
	ctx, x.cancel = context.WithCancelCause(ctx)
	x.ctx = context.WithValue(ctx, exchangeKey{}, x)
	if w != nil {
		x.stream = newStream(t, x, w)
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		x.cancel(errClosed)
		return nil, false
	}
	t.exchanges[x.id] = x
	return x, true
}

func (t *transports) shut(x *exchange) {
	t.mu.Lock()
	delete(t.exchanges, x.id)
	t.mu.Unlock()
	x.cancel(errAnswered)
}

// cut ends the exchange from our side, even if its client has stopped reading.
func (x *exchange) cut(cause error) {
	x.cancel(cause)
	if x.stream != nil {
		x.stream.hurry()
	}
}
