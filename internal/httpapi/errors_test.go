package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/httpapi"
)

// A new code without a row in the table would be answered with status 0.
func TestErrors_everyCodeHasAStatus(t *testing.T) {
	codes := declaredCodes(t)
	if len(codes) < 25 {
		t.Fatalf("found %d codes in error.go, want all of them", len(codes))
	}
	for name, code := range codes {
		if status, ok := httpapi.StatusOf(code); !ok || status < 400 || status > 599 {
			t.Errorf("%s (%q) has status %d, %v: give it a row in the table", name, code, status, ok)
		}
	}
}

// declaredCodes are the constants of type Code in error.go.
func declaredCodes(t *testing.T) map[string]agentbridge.Code {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "error.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]agentbridge.Code{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes[spec.Names[0].Name] = agentbridge.Code(text)
		}
		return true
	})
	return codes
}

// faulty is a bridge that can be opened and then refuses.
func faulty(err error) agentbridge.Bridge { return opener{session: faultySession{err: err}} }

type faultySession struct {
	agentbridge.Session
	err error
}

func (f faultySession) Ping(context.Context) (agentbridge.Health, error) {
	return agentbridge.Health{}, f.err
}

func TestErrors_answers(t *testing.T) {
	refuse := func(code agentbridge.Code, after time.Duration) error {
		return fmt.Errorf("ping: %w", &agentbridge.Error{Code: code, Field: "f", Message: "m", RetryAfter: after})
	}
	for _, c := range []struct {
		name       string
		err        error
		status     int
		retryAfter string
		level      string // of its line in the log
	}{
		{"validation", refuse(agentbridge.TooLong, 0), 400, "", "INFO"},
		{"conflict", refuse(agentbridge.Conflict, 0), 409, "", "INFO"},
		{"too large", refuse(agentbridge.TooLarge, 0), 413, "", "INFO"},
		{"rate limited", refuse(agentbridge.RateLimited, 90*time.Second), 429, "90", "INFO"},
		{"busy", refuse(agentbridge.Busy, 0), 503, "1", "INFO"},
		{"busy for a moment", refuse(agentbridge.Busy, time.Millisecond), 503, "1", "INFO"},
		{"busy for a while", refuse(agentbridge.Busy, 1500*time.Millisecond), 503, "2", "INFO"},
		{"disk full", refuse(agentbridge.Unavailable, 5*time.Second), 503, "5", "WARN"},
		{"closed", refuse(agentbridge.Closed, 0), 503, "1", "INFO"},
		{"unusable", refuse(agentbridge.Unusable, 0), 500, "", "ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, faulty(c.err), httpapi.Options{})
			a := h.get("/api/ping")
			a.want(c.status, encode(t, object{"error": "m", "field": "f", "code": agentbridge.CodeOf(c.err), "message": "m"}))
			if got := a.header.Get("Retry-After"); got != c.retryAfter {
				t.Errorf("Retry-After: %q, want %q", got, c.retryAfter)
			}
			if log := h.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "level="+c.level) {
				t.Errorf("logged %q, want one line of level %s", log, c.level)
			}
		})
	}
}

func TestErrors_unauthenticatedSaysHow(t *testing.T) {
	h := serve(t, faulty(agentbridge.Refuse(agentbridge.Expired, "", "m")), httpapi.Options{})
	if a := h.get("/api/ping"); a.status != 401 || a.header.Get("WWW-Authenticate") != `Bearer realm="agentbridge"` {
		t.Errorf("%s = %d with WWW-Authenticate %q", a.call, a.status, a.header.Get("WWW-Authenticate"))
	}
}

// What is no refusal of ours may hold paths and statements: nobody outside sees
// it, and the log has all of it, once.
func TestErrors_internalStaysInside(t *testing.T) {
	h := serve(t, faulty(errors.New("no such table: secrets in /var/lib/x.db")), httpapi.Options{})
	h.get("/api/ping").want(500, `{"error":"internal error; the log of the bridge says more"}`)
	if log := h.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "secrets in") {
		t.Errorf("logged %q, want one line with the error", log)
	}
}

// A client that left is not worth a line.
func TestErrors_clientLeaves(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	sent := h.MustSend("#build", "one")
	ctx, cancel := context.WithCancel(t.Context())
	r := h.request(http.MethodGet, query("/api/wait", "channel", "#build", "since_id", string(sent.ID), "timeout_seconds", "55"), nil).WithContext(ctx)
	time.AfterFunc(20*time.Millisecond, cancel) // at whatever moment it comes, the outcome is the same
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
		t.Fatalf("Do() = %v, want %v", err, context.Canceled)
	}
	h.listener.Close() // waits for the handler
	if log := h.log.String(); log != "" {
		t.Errorf("logged %q, want nothing", log)
	}
}
