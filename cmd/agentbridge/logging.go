package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"agentbridge/internal/redact"
)

// newLogger writes what no caller can be told to stderr, without secrets.
func newLogger(w io.Writer, r *redact.Redactor) *slog.Logger {
	return slog.New(&calm{Handler: redact.Handler(slog.NewTextHandler(w, nil), r), lines: &lines{}})
}

const (
	calmWindow = time.Minute
	calmLines  = 60 // per window, of all kinds
)

// calm is a slog.Handler that writes the first record of each kind in a minute
// and leaves out the others, and all that are too many: strangers can cause a
// line as often as they like, and a full disk does at every call. The next one
// that is written tells how many were left out.
type calm struct {
	slog.Handler
	lines *lines
}

// lines is what was written in this window. Handlers that With makes share it.
type lines struct {
	mu      sync.Mutex // guards the fields below
	since   time.Time
	seen    map[string]bool
	leftOut int
}

func (c *calm) Handle(ctx context.Context, r slog.Record) error {
	write, leftOut := c.lines.count(kind(r), time.Now())
	if !write {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out_before", leftOut))
	}
	return c.Handler.Handle(ctx, r)
}

func (c *calm) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &calm{c.Handler.WithAttrs(attrs), c.lines}
}

func (c *calm) WithGroup(name string) slog.Handler { return &calm{c.Handler.WithGroup(name), c.lines} }

// count returns whether to write a line, and how many were left out since the
// last one.
func (l *lines) count(kind string, now time.Time) (write bool, leftOut int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.since) >= calmWindow {
		l.since, l.seen = now, map[string]bool{}
	}
	if l.seen[kind] || len(l.seen) >= calmLines {
		l.leftOut++
		return false, 0
	}
	l.seen[kind] = true
	leftOut, l.leftOut = l.leftOut, 0
	return true, leftOut
}

// kind is what two records have in common that say the same: the message and
// all it says about but the path. Digits, as in a port, make no difference.
func kind(r slog.Record) string {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "path" {
			b.WriteByte(' ')
			b.WriteString(a.Value.String())
		}
		return true
	})
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, b.String())
}
