package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge/internal/redact"
)

func TestLogger_isCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newLogger(&out, known(t))
		count := func(words string) int { return strings.Count(out.String(), words) }
		for i := range 1000 {
			log.Warn("request refused", "reason", "host not allowed", "path", fmt.Sprint("/", i))
			log.Info(fmt.Sprintf("http: TLS handshake error from 192.0.2.1:%d: EOF", 1024+i))
			log.With("db", "x").Error("the disk is full", "error", errors.New("13"))
		}
		for _, words := range []string{"host not allowed", "TLS handshake error", "the disk is full"} {
			if n := count(words); n != 1 {
				t.Errorf("%d lines with %q in the first minute, want 1", n, words)
			}
		}
		time.Sleep(calmWindow)
		log.Warn("request refused", "reason", "host not allowed", "path", "/")
		if !strings.Contains(out.String(), "left_out_before=2997") {
			t.Errorf("after a minute: %s, want how many were left out", out.String())
		}

		out.Reset()
		time.Sleep(calmWindow)
		for i := range 1000 { // a stranger who says something new each time
			log.Warn("request refused", "reason", strings.Repeat("x", i))
		}
		if n := count("\n"); n != calmLines {
			t.Errorf("%d lines of different kinds, want %d", n, calmLines)
		}
	})
}

func TestLogger_keepsAttributesAndGroups(t *testing.T) {
	var out bytes.Buffer
	newLogger(&out, known(t)).With("a", 1).WithGroup("g").Log(t.Context(), slog.LevelInfo, "m", "b", 2)
	if !strings.Contains(out.String(), "level=INFO msg=m a=1 g.b=2") {
		t.Errorf("got %q", out.String())
	}
}

// known is a Redactor of the built-in kinds of secrets.
func known(t *testing.T) *redact.Redactor {
	t.Helper()
	r := redact.New(nil)
	return r
}
