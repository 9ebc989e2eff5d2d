package bench_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

func TestErrorKind(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{context.Canceled, "given up by the benchmark"},
		{agentbridge.Refuse(agentbridge.RateLimited, "", "too many messages: the limit is 100 in 1m; come back in %v", "12s"),
			"rate_limited: too many messages: the limit is 100 in #; come back in #"},
		{agentbridge.Refuse(agentbridge.NotFound, "since_id", "00000000-0002-8984-9dda-1eeb729692d0 is no message\nof this channel"),
			"not_found: since_id: # is no message"},
		{errors.New("read tcp 127.0.0.1:43210->127.0.0.1:8765: connection reset by peer"), "read tcp 127.0.0.1:#->127.0.0.1:#: connection reset by peer"},
		{agentbridge.Refuse(agentbridge.Unreachable, "", "nobody answers at http://127.0.0.1:8765 (%s); check the address", "read tcp 127.0.0.1:43210->127.0.0.1:8765: read: connection reset by peer"),
			"connection reset"},
		{agentbridge.Refuse(agentbridge.Unreachable, "", "nobody answers at http://127.0.0.1:8765 (EOF); check the address"), "connection closed"},
		{errors.New("conv_0123456789abcdef is gone \x1b[2J"), `# is gone \x1b[2J`},
	} {
		if got := bench.ErrorKind(c.err); got != c.want {
			t.Errorf("ErrorKind(%v) = %q, want %q", c.err, got, c.want)
		}
	}
	if got := bench.ErrorKind(errors.New(strings.Repeat("long ", 100))); len(got) > 130 {
		t.Errorf("ErrorKind() of a long error has %d bytes", len(got))
	}
}

// Over MCP a refusal is a sentence; what it means is found all the same.
func TestMCP_refusals(t *testing.T) {
	bridge := bridgetest.New(t)
	url := serve(t, func() http.Handler { return faces(t, bridge, "") })
	alice := enter(t, &bench.Target{Name: "own", URL: url}, bench.MCP, "alice").(bench.Talker)
	a, _, _, err := alice.Converse(t.Context())
	for range 11 { // of ten in a minute
		if err == nil {
			_, err = alice.Tell(t.Context(), a, "hello", "")
		}
	}
	bridgetest.WantErr(t, agentbridge.RateLimited, err)
	if e, ok := errors.AsType[*agentbridge.Error](err); !ok || e.RetryAfter <= 0 || strings.Contains(e.Message, "retry after") {
		t.Errorf("Tell() = %v, to come back in %v", err, e.RetryAfter)
	}
}
