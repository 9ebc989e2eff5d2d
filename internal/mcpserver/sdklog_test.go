package mcpserver

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Several lines for each request, otherwise, and any client could write errors
// into the operator's log.
func TestSDKLogger(t *testing.T) {
	for _, c := range []struct {
		level slog.Level // of the operator's log
		say   func(*slog.Logger)
		want  string
	}{
		{slog.LevelDebug, func(l *slog.Logger) { l.Info("session connected") }, ""},
		{slog.LevelInfo, func(l *slog.Logger) { l.Error("method removed in the new protocol", "method", "ping") }, ""},
		{slog.LevelInfo, func(l *slog.Logger) { l.Warn("calling notifications/tools/list_changed: gone") }, ""},
		{slog.LevelDebug, func(l *slog.Logger) { l.Error("duplicate initialize request") }, "level=DEBUG"},
		{slog.LevelInfo, func(l *slog.Logger) { l.Error("jsonrpc2 internal error", "error", "nil result") }, "level=ERROR"},
		{slog.LevelInfo, func(l *slog.Logger) { l.With("a", 1).WithGroup("g").Error("failed to connect: x") }, "level=ERROR"},
		{slog.LevelInfo, func(l *slog.Logger) { l.With("a", 1).WithGroup("g").Error("server connect error") }, ""},
	} {
		var log bytes.Buffer
		c.say(sdkLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: c.level}))))
		if got := log.String(); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("log: %q, want %q", got, c.want)
		}
	}
}

// The messages that tell of our own faults keep the words by which they are known.
func TestSDKLogger_knowsAWrongTool(t *testing.T) {
	var log bytes.Buffer
	server := newSDKServer(slog.New(slog.NewTextHandler(&log, nil)), nil)
	server.AddTool(&mcp.Tool{Name: "no name", InputSchema: map[string]any{"type": "object"}}, nil)
	if !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("log: %q, want an error", &log)
	}
}

// What clients can do wrong is not the operator's.
func TestSDKLogger_clientsWriteNoErrors(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	b := newBench(t, transportOptions{})
	b.transports = newTransports(newSDKServer(logger, nil), transportOptions{Logger: logger})
	p := b.stdio()
	p.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	p.want("invalid during session initialization")
	p.say(strings.Replace(modernCall(2, "", ""), "tools/call", "ping", 1))
	p.want("method not found")
	p.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	p.say(legacyInit)
	p.want(`"id":0`)
	p.say(strings.Replace(legacyInit, `"id":0`, `"id":3`, 1))
	p.want("duplicate")
	for range 2 {
		p.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	}
	p.in.Close()
	p.wantDone()
	if log.Len() > 0 {
		t.Errorf("log: %s", &log)
	}
}
