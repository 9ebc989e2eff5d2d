package boundary_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"agentbridge"
	"agentbridge/internal/boundary"
)

const token = "abr_test_0123456789abcdefghijklmnopqrstuvwxyz"

// bench is a Boundary behind a listener, and what it told others.
type bench struct {
	t      *testing.T
	b      *boundary.Boundary
	server *httptest.Server

	mu       sync.Mutex // guards the fields below
	refusals []agentbridge.Refusal
	log      bytes.Buffer
}

// newBench wraps next, or a handler that reads the body and answers "reached".
func newBench(t *testing.T, o boundary.Options, next http.HandlerFunc) *bench {
	t.Helper()
	x := &bench{t: t}
	o.Refused = func(r agentbridge.Refusal) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.refusals = append(x.refusals, r)
	}
	o.Logger = slog.New(slog.NewTextHandler(x, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if next == nil {
		next = reached
	}
	x.b = boundary.New(o)
	t.Cleanup(x.b.Close)
	x.server = httptest.NewUnstartedServer(x.b.Wrap(next))
	if o.TLS {
		x.server.StartTLS()
	} else {
		x.server.Start()
	}
	t.Cleanup(x.server.Close)
	x.server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return x
}

func reached(w http.ResponseWriter, r *http.Request) {
	_, err := io.ReadAll(r.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		http.Error(w, "beyond the limit", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "body not read", http.StatusBadRequest)
		return
	}
	io.WriteString(w, "reached")
}

func (x *bench) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.log.Write(p)
}

// told returns what was told since the last call.
func (x *bench) told() ([]agentbridge.Refusal, string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	refusals, log := x.refusals, x.log.String()
	x.refusals = nil
	x.log.Reset()
	return refusals, log
}

// ask is a request: "GET /path" and lines "Name: value". Host is a header like the others.
func (x *bench) ask(line string, headers ...string) *http.Request {
	x.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(x.t.Context(), method, x.server.URL+path, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	return r
}

func (x *bench) send(r *http.Request) (*http.Response, string) {
	x.t.Helper()
	resp, err := x.server.Client().Do(r)
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return resp, string(body)
}

func (x *bench) do(line string, headers ...string) (*http.Response, string) {
	x.t.Helper()
	return x.send(x.ask(line, headers...))
}

// want sends a request and compares status and a part of the body. A refusal is JSON, told to Refused once and
// in one line of the log.
func (x *bench) want(status int, part, line string, headers ...string) *http.Response {
	x.t.Helper()
	x.told()
	resp, body := x.do(line, headers...)
	if resp.StatusCode != status || !strings.Contains(body, part) {
		x.t.Errorf("%s %q: got %d %s, want %d with %q", line, headers, resp.StatusCode, body, status, part)
		return resp
	}
	refusals, log := x.told()
	if status < 400 || status == http.StatusMethodNotAllowed {
		if len(refusals) != 0 || log != "" {
			x.t.Errorf("%s %q: admitted, but told %v and logged %s", line, headers, refusals, log)
		}
		return resp
	}
	if !strings.HasPrefix(body, `{"error":"`) || resp.Header.Get("Content-Type") != "application/json" {
		x.t.Errorf("%s %q: the refusal is no JSON: %s %s", line, headers, resp.Header.Get("Content-Type"), body)
	}
	if len(refusals) != 1 || strings.Count(log, "\n") != 1 {
		x.t.Errorf("%s %q: want one refusal and one line, got %v and %q", line, headers, refusals, log)
	} else if want := actionOf(status, body); refusals[0].Action != want || refusals[0].Address == "" {
		x.t.Errorf("%s %q: told %+v, want %s", line, headers, refusals[0], want)
	}
	return resp
}

func actionOf(status int, body string) agentbridge.Action {
	switch {
	case status == 401, status == 429, strings.Contains(body, "unauthenticated"):
		return agentbridge.ActionAuthFailure
	case status == 413:
		return agentbridge.ActionOversizeReject
	}
	return agentbridge.ActionPolicyReject
}

const (
	withToken = "Authorization: Bearer " + token
	asJSON    = "Content-Type: application/json"
)

func newBenchHTTP2(t *testing.T) *bench {
	x := newBench(t, boundary.Options{}, nil)
	server := httptest.NewUnstartedServer(x.server.Config.Handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	x.server = server
	return x
}
