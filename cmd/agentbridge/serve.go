package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"agentbridge"
	"agentbridge/internal/mcpserver"

	"github.com/spf13/cobra"
)

// Time and size limits of the HTTP server. There is no WriteTimeout: streams
// stay open, and each of their writes has a deadline of its own.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
	shutdownTime  = time.Second
)

// outliveReaders keeps the process from ending when whoever read its stdout or
// stderr goes away: a write then fails, and it ends in order or goes on.
func outliveReaders() { signal.Ignore(syscall.SIGPIPE) }

// tuneMemory trades memory for time: the MCP SDK allocates much for each call
// and keeps little, so a larger heap saves most of the collector's work. The
// limit keeps it from growing into the machine's memory.
func tuneMemory() {
	debug.SetGCPercent(800)
	debug.SetMemoryLimit(512 << 20)
}

// serveFlags configure the HTTP server.
type serveFlags struct {
	storeFlags
	host string // loopback only
	port int    // 0 takes a free one
}

func newServe() *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve agents over HTTP on this machine",
		Long: `Serve MCP over HTTP at /mcp, and at /sse for older clients, on this machine only.

Agents that run 'agentbridge stdio' on the same database and agents that connect
here see the same messages.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.serve(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&f.host, "host", "127.0.0.1", "loopback address to listen on")
	cmd.Flags().IntVar(&f.port, "port", 8765, "port to listen on; 0 takes a free one")
	f.declare(cmd)
	f.declareTTL(cmd)
	return cmd
}

func (f *serveFlags) check() error {
	if f.port < 0 || f.port > 65535 {
		return usageError{fmt.Errorf("--port must be 0 to 65535, not %d", f.port)}
	}
	if ip := net.ParseIP(f.host); f.host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError{fmt.Errorf("--host %s is not a loopback address; the bridge is open to whoever reaches it, so it listens on this machine only (127.0.0.1, ::1 or localhost)", f.host)}
	}
	return f.storeFlags.check()
}

func (f *serveFlags) serve(ctx context.Context, stdout, stderr io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	outliveReaders()
	tuneMemory()
	log := newLogger(stderr)
	// The port comes first: a second server on it ends before it touches data.
	listener, err := net.Listen("tcp", net.JoinHostPort(f.host, strconv.Itoa(f.port)))
	if err != nil {
		return listenError(f.host, f.port, err)
	}
	b, err := f.open(ctx, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	mcp := mcpserver.New(b, mcpserver.Options{Logger: log})
	server := &http.Server{
		Handler:           mcp.Handler(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	f.announce(stdout, "http://"+listener.Addr().String())

	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	return errors.Join(err, shutDown(mcp, server), b.close())
}

// shutDown ends the streams first: an http.Server waits for them for ever.
func shutDown(mcp *mcpserver.Server, server *http.Server) error {
	mcp.Close()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if server.Shutdown(ctx) == nil {
		return nil
	}
	return server.Close() // somebody did not hang up in time
}

func listenError(host string, port int, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d on %s is in use, perhaps by another agentbridge serve; stop that one or choose another --port", port, host)
	}
	return fmt.Errorf("can't listen on %s port %d: %w", host, port, err)
}

func (f *serveFlags) announce(w io.Writer, url string) {
	fmt.Fprintf(w, `agentbridge %s
  database   %s
  MCP        %s/mcp
  older MCP  %s/sse

Connect Claude Code:  claude mcp add --transport http agentbridge %s/mcp
Connect Codex:        codex mcp add agentbridge --url %s/mcp
`, agentbridge.Version, f.db, url, url, url, url)
}

// newLogger writes what no caller can be told to stderr.
func newLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func newStdio(std stdio) *cobra.Command {
	f := &storeFlags{}
	cmd := &cobra.Command{
		Use:   "stdio",
		Short: "Serve one agent over stdin and stdout",
		Long: `Serve MCP to the program that started this one, over stdin and stdout.

Every process on the same database, this one and 'agentbridge serve' included,
sees the same messages; none of them needs another to run.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			outliveReaders()
			tuneMemory()
			log := newLogger(std.err)
			b, err := f.open(cmd.Context(), log)
			if err != nil {
				return err
			}
			mcp := mcpserver.New(b, mcpserver.Options{Logger: log})
			err = mcp.ServeStdio(cmd.Context(), std.in, std.out)
			mcp.Close()
			return errors.Join(err, b.close())
		},
	}
	f.declare(cmd)
	f.declareTTL(cmd)
	return cmd
}

// executable is this program's path, for the demo, which starts it again.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return "agentbridge"
	}
	return path
}
