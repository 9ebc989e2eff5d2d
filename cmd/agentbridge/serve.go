package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"agentbridge/internal/boundary"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/mcpserver"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Time and size limits of the HTTP server. Streams may last longer than an
// answer may take, because each of their writes has a deadline of its own.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	answerTimeout = 100 * time.Second // for a body, the longest wait and the answer
	maxHeader     = 32 << 10
	shutdownTime  = time.Second
)

// serveFlags configure the HTTP server.
type serveFlags struct {
	storeFlags
	networkFlags
	noDashboard   bool
	audit         bool
	auditDays     int
	maxStreams    int
	maxPerChannel int
	replayLimit   int
	maxSessions   int
	stateless     bool

	mcp mcpserver.Options // what goes beyond the flags; nothing, but for conformance-server
}

func newServe() *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve agents over HTTP, on this machine or on the network",
		Long: `Serve agents and people over HTTP: MCP at /mcp (at /sse for older clients), the
JSON API at /api/, live events at /events/channel/NAME.

Only this machine can connect unless --host says otherwise; then clients need a
token, and should use TLS (--tls-cert and --tls-key, or a reverse proxy that
speaks it). A token is one that all share (--auth-token-file), an agent's own
('agentbridge agent add'; --require-token says that there will be some), or one
of an identity provider (--oidc-issuer). As soon as any agent is known nobody
comes in without, on this machine neither. Agents that run 'agentbridge stdio'
on the same database and agents that connect here see the same messages.`,
		Example: `  agentbridge serve
  agentbridge serve --host 192.168.1.20 --auth-token-file token --tls-cert cert.pem --tls-key key.pem
  agentbridge serve --host 0.0.0.0 --trusted-host bridge.example.org --auth-token-file token
  agentbridge serve --host 192.168.1.20 --require-token --tls-cert cert.pem --tls-key key.pem
  agentbridge serve --oidc-issuer https://login.example.org --public-url https://bridge.example.org`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.serve(cmd.Context(), cmd.Flags(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.declare(cmd)
	return cmd
}

func (f *serveFlags) declare(cmd *cobra.Command) {
	f.storeFlags.declare(cmd)
	f.declareEncrypt(cmd)
	f.engineFlags.declare(cmd)
	f.networkFlags.declare(cmd)
	flags := cmd.Flags()
	declareBool(flags, &f.noDashboard, "no-dashboard", "serve nothing at /")
	declareBool(flags, &f.audit, "audit-log", "show the audit log at /api/audit; it is written in any case")
	declareNumber(flags, &f.auditDays, "audit-retention-days", 90, 1, largest, "how many days back /api/audit shows; entries are never deleted")
	declareNumber(flags, &f.maxStreams, "max-sse", 100, 1, largest, "event streams at a time")
	declareNumber(flags, &f.maxPerChannel, "max-sse-per-channel", 25, 1, largest, "event streams at a time on one channel")
	declareNumber(flags, &f.replayLimit, "sse-replay-limit", 500, 1, 10_000, "missed messages that an event stream begins with; a client connects again for more")
	declareNumber(flags, &f.eventDays, "event-retention-days", 7, 1, largest, "how many days old a position in /api/events may be")
	declareNumber(flags, &f.maxSessions, "max-sessions", 1000, 20, largest, "MCP sessions at a time: one agent may hold a twentieth of them, and callers without a name three quarters together")
	declareBool(flags, &f.stateless, "stateless-http", "keep no MCP sessions on /mcp, for several servers behind one address")
}

// serve walks from what may be refused without touching anything to what
// opens the database: a second server on a port ends before it touches data.
func (f *serveFlags) serve(ctx context.Context, flags *pflag.FlagSet, stdout, stderr io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	redactor, err := f.redactor()
	if err != nil {
		return err
	}
	log := newLogger(stderr, redactor)
	gate, err := f.settle(flags, stderr, log)
	if err != nil {
		return err
	}
	if most := boundary.MaxConnections(); f.maxStreams >= most {
		warnf(stderr, "%d event streams may take all %d connections that the limit of open files leaves; raise it (ulimit -n), or lower --max-sse", f.maxStreams, most)
	}
	outliveSignals()
	tuneMemory()
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(gate.host, strconv.Itoa(gate.port)))
	if err != nil {
		return listenError(gate, err)
	}
	f.reseal = true
	b, err := f.open(ctx, log, redactor)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	url := f.url(gate, listener.Addr())
	s, err := f.newFront(gate, b, log, url)
	if err != nil {
		return errors.Join(err, listener.Close(), b.close())
	}
	failed := make(chan error, 1)
	go func() { failed <- s.serve(listener) }()
	defer returnMemory()()
	hush := s.porter.greet(ctx, log)
	f.announce(stdout, gate, url, b)

	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	hush()
	return errors.Join(err, s.shutDown(), b.close())
}

func listenError(gate *entrance, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d on %s is in use, perhaps by another agentbridge serve; stop that one or choose another --port", gate.port, quoteEmpty(gate.host))
	}
	return fmt.Errorf("can't listen on %s port %d: %w", quoteEmpty(gate.host), gate.port, err)
}

// front is the bridge's faces over HTTP, behind the boundary.
type front struct {
	http     *http.Server
	porter   porter
	boundary *boundary.Boundary
	mcp      *mcpserver.Server
	api      *httpapi.Server
}

// newFront builds them for a bridge that clients find at a URL.
func (f *serveFlags) newFront(gate *entrance, b *bridge, log *slog.Logger, url string) (*front, error) {
	porter, err := f.identityFlags.porter(&gate.boundary, b.Relay, url)
	if err != nil {
		return nil, err
	}
	gate.boundary.Refused = b.NoteRefusal
	tools := f.mcp
	tools.Logger, tools.MaxSessions, tools.Stateless = log, f.maxSessions, f.stateless
	s := &front{
		porter:   porter,
		boundary: boundary.New(gate.boundary),
		mcp:      mcpserver.New(b, tools),
		api: httpapi.New(b, httpapi.Options{
			Logger:        log,
			MaxStreams:    f.maxStreams,
			MaxPerChannel: f.maxPerChannel,
			ReplayLimit:   f.replayLimit,
			RetentionDays: f.keepDays,
			Audit:         f.audit,
			AuditAge:      days(f.auditDays),
		}),
	}
	s.http = &http.Server{
		Handler:           s.boundary.Wrap(s.routes(!f.noDashboard)),
		TLSConfig:         gate.tls,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      answerTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelInfo), // what it answers by itself

		DisableGeneralOptionsHandler: true, // which would answer before the boundary
	}
	boundary.LimitIdle(s.http, boundary.MaxConnections())
	return s, nil
}

// routes is no http.ServeMux because that redirects paths with "//" or "..",
// which names of channels may hold.
func (s *front) routes(home bool) http.Handler {
	mcp, api := s.mcp.Handler(), s.api.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		root, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case r.URL.Path == "/mcp", r.URL.Path == "/sse", root == "messages":
			mcp.ServeHTTP(w, r)
		case r.URL.Path == "/status", root == "api", root == "events":
			api.ServeHTTP(w, r)
		case r.URL.Path == "/" && home:
			serveHome(w, r)
		default:
			writeText(w, http.StatusNotFound, "Not Found")
		}
	})
}

// serve accepts connections until shutDown.
func (s *front) serve(l net.Listener) error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(l, "", "")
	}
	return s.http.Serve(l)
}

// shutDown ends the streams first: an http.Server waits for them for ever.
func (s *front) shutDown() error {
	s.api.Close()
	s.mcp.Close()
	s.boundary.Close()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if s.http.Shutdown(ctx) == nil {
		return nil
	}
	return s.http.Close() // somebody did not hang up in time
}
