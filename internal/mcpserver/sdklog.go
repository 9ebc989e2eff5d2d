// This file decides what of the SDK's log an operator sees.

package mcpserver

import (
	"context"
	"log/slog"
	"strings"
)

// ourFaults are how those messages of the SDK begin that no client can cause: a tool of ours has a name that
// is none, a handler of ours answered what cannot be sent, or a connection that is ready cannot be used. What
// else the SDK calls a warning or an error tells of clients, and any client may say it as often as it likes:
// a method that its revision does not have, a message too early or twice, a stream that nobody reads.
var ourFaults = []string{
	"AddTool: ",
	"handler returned both content and inputRequests",
	"jsonrpc2 internal error",
	"failed to connect: ",
}

// sdkLogger is l for the SDK: what is our fault as it comes, anything else at the level Debug, and without
// the Info lines that the SDK writes for each request and session.
func sdkLogger(l *slog.Logger) *slog.Logger { return slog.New(sdkLog{l.Handler()}) }

type sdkLog struct{ slog.Handler }

func (h sdkLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h sdkLog) Handle(ctx context.Context, r slog.Record) error {
	if !isOurFault(r.Message) {
		if !h.Handler.Enabled(ctx, slog.LevelDebug) {
			return nil
		}
		r.Level = slog.LevelDebug
	}
	return h.Handler.Handle(ctx, r)
}

func (h sdkLog) WithAttrs(attrs []slog.Attr) slog.Handler { return sdkLog{h.Handler.WithAttrs(attrs)} }
func (h sdkLog) WithGroup(name string) slog.Handler       { return sdkLog{h.Handler.WithGroup(name)} }

func isOurFault(message string) bool {
	for _, beginning := range ourFaults {
		if strings.HasPrefix(message, beginning) {
			return true
		}
	}
	return false
}
