// Package httpapi is the JSON API and the event streams of the bridge, with
// the paths, keys and texts of reference B. It promises that every request
// gets a status and a JSON body that say what is wrong, and that no reader of a
// stream can hold up another one. Who may ask at all is not its business: its
// handler belongs behind a boundary that looks at hosts, origins, credentials
// and the size of bodies.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"agentbridge"
)

// Options configure a Server. Their zero values are the defaults.
type Options struct {
	Logger        *slog.Logger  // default slog.Default()
	MaxStreams    int           // event streams in total; default 100
	MaxPerChannel int           // event streams on one channel; default 25
	ReplayLimit   int           // messages of the past one stream of a channel replays; default 500
	RetentionDays int           // as told by /api/state; 0: messages are kept for ever
	Audit         bool          // whether /api/audit shows the audit log
	AuditAge      time.Duration // how far back it shows; default 90 days
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxStreams <= 0 {
		o.MaxStreams = 100
	}
	if o.MaxPerChannel <= 0 {
		o.MaxPerChannel = 25
	}
	if o.ReplayLimit <= 0 {
		o.ReplayLimit = 500
	}
	if o.AuditAge <= 0 {
		o.AuditAge = 90 * 24 * time.Hour
	}
}

// Server serves one bridge over HTTP.
type Server struct {
	bridge  agentbridge.Bridge
	opts    Options
	log     *slog.Logger
	started time.Time
	gate    gate
	dropped atomic.Int64 // streams cut because their reader was too slow

	keepAlive  time.Duration // silence after which a stream shows that it is alive
	writeLimit time.Duration // how long a reader may take for one write

	// life ends with Close. It is not a request's context but what those of
	// streams and waits are joined with.
	life context.Context
	end  context.CancelFunc
}

// New returns a server of a bridge. Close it.
func New(bridge agentbridge.Bridge, o Options) *Server {
	o.setDefaults()
	s := &Server{bridge: bridge, opts: o, log: o.Logger, started: time.Now(),
		gate:      gate{maxTotal: o.MaxStreams, maxPerChannel: o.MaxPerChannel},
		keepAlive: 15 * time.Second, writeLimit: 10 * time.Second}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Handler serves /status, /api/ and /events/channel/; everything else is not
// found. /api/session is the boundary's.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Close ends all streams and waits, also those still to come. Call it before
// http.Server.Shutdown, which waits for their handlers.
func (s *Server) Close() { s.end() }

// untilClose returns a context that ends with a request's or with Close.
func (s *Server) untilClose(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() { stop(); cancel() }
}
