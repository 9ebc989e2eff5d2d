package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/httpapi"
)

// A token that is revoked, or expires, ends what it has begun: streams without a
// further word, a wait with the reason. Its reader may come back, and is refused.
// The engine sees to that alone, and with a boundary that ends the requests.
func TestRevoked_endsWhatRuns(t *testing.T) {
	for path, want := range map[string]string{
		"/events/channel/c?positions=1": "200 OK",
		"/api/events":                   "200 OK",
		"/api/wait?channel=c&since_id=SENT&timeout_seconds=55": "401 Unauthorized",
	} {
		for _, bound := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s bound %v", path, bound), func(t *testing.T) {
				h := newHall(t, httpapi.Options{})
				path := strings.ReplaceAll(path, "SENT", string(h.MustSend("c", "one").ID))
				life, revoke := context.WithCancelCause(t.Context())
				who := agentOf("member")
				who.Life = life
				begun, ended := h.visit(path, who, bound)
				<-begun
				revoke(agentbridge.Refuse(agentbridge.Unauthenticated, "", "this token was revoked"))
				got := <-ended
				if !strings.HasPrefix(got, want) || strings.HasPrefix(want, "401") && !strings.Contains(got, "this token was revoked") {
					t.Errorf("ended with %q, want %s", got, want)
				}
				if status := h.as(who).status(path, ""); status != http.StatusUnauthorized {
					t.Errorf("with a revoked token = %d", status)
				}
				if log := h.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
					t.Errorf("logged %s", log)
				}
			})
		}
	}
}

// visit asks for a path as somebody whose requests, if bound, end with their
// credential. It tells when a stream has begun or a wait been handed in, and how
// the answer ended.
func (h *hall) visit(path string, who agentbridge.Principal, bound bool) (begun chan struct{}, ended chan string) {
	begun, ended = make(chan struct{}, 1), make(chan string, 1)
	waits := strings.HasPrefix(path, "/api/wait")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancelCause(agentbridge.WithPrincipal(r.Context(), who))
		defer cancel(nil)
		if bound {
			defer context.AfterFunc(who.Life, func() { cancel(context.Cause(who.Life)) })()
		}
		if waits {
			begun <- struct{}{}
		}
		h.server.Handler().ServeHTTP(w, r.WithContext(ctx))
	}))
	h.t.Cleanup(server.Close)
	go func() {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			ended <- err.Error()
			return
		}
		defer resp.Body.Close()
		body := bufio.NewReader(resp.Body)
		if !waits {
			_, _ = body.Peek(1) // a stream says first where it stands
			begun <- struct{}{}
		}
		rest, err := io.ReadAll(body)
		if err != nil {
			rest = []byte(err.Error())
		}
		ended <- resp.Status + " " + string(rest)
	}()
	return begun, ended
}
