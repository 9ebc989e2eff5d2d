package mcpserver

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
)

// asTokens stands for the boundary of agents that may hold several tokens:
// "Bearer alice/2" is alice with another token than "Bearer alice/1".
type asTokens map[string]agentbridge.Principal

// issue makes a token of an agent, which lives until it is revoked.
func (a asTokens) issue(t *testing.T, token string) (revoke func()) {
	name, _, _ := strings.Cut(token, "/")
	life, end := context.WithCancelCause(t.Context())
	a[token] = agentbridge.Principal{Name: agentbridge.AgentName(name), Roles: []agentbridge.AccessRole{agentbridge.RoleMember}, Life: life}
	return func() { end(agentbridge.Refuse(agentbridge.Unauthenticated, "", "this token was revoked")) }
}

func (a asTokens) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := a[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !ok {
			who = agentbridge.Local()
		}
		next.ServeHTTP(w, r.WithContext(agentbridge.WithPrincipal(r.Context(), who)))
	})
}

// initializeAs opens a session with a token and returns the headers of calls in it.
func (b *bench) initializeAs(token string) (session headers, status int) {
	b.t.Helper()
	resp, _ := b.do("POST", "/mcp", legacyInit, bearer(token))
	return bearer(token).and(headers{"Mcp-Session-Id": resp.Header.Get("Mcp-Session-Id"), "Mcp-Protocol-Version": "2025-11-25"}), resp.StatusCode
}

func (b *bench) places() int {
	b.sessions.mu.Lock()
	defer b.sessions.mu.Unlock()
	return b.sessions.open
}

// A token that was rotated or revoked takes its sessions along. The agent's new
// token goes on only in those that it has opened.
func TestSessions_endWithTheTokenThatOpenedThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := asTokens{}
		revoke := tokens.issue(t, "alice/old")
		tokens.issue(t, "alice/new")
		b := newBench(t, transportOptions{KeepAlive: time.Hour}).servePipe(tokens.wrap)
		idle, _ := b.initializeAs("alice/old")
		busy, _ := b.initializeAs("alice/old")
		own, _ := b.initializeAs("alice/new")
		// As long as both admit, the new one may go on where the old one was.
		get := b.start("GET", "/mcp", "", busy.and(bearer("alice/new")))
		get.want(t, ": ok")
		b.start("POST", "/mcp", legacyCall(1, "wait", ""), busy.and(bearer("alice/new")))
		<-b.started

		revoke()
		if cause := <-b.ended; cause != errSessionEnded {
			t.Errorf("a call in the session ended with %v", cause)
		}
		get.wantEnd(t)
		synctest.Wait()
		for name, c := range map[string]struct {
			session headers
			status  int
		}{"idle": {idle, 404}, "busy": {busy, 404}, "of the new token": {own, 200}} {
			resp, body := b.do("POST", "/mcp", legacyCall(2, "echo", "here"), c.session.and(bearer("alice/new")))
			if resp.StatusCode != c.status {
				t.Errorf("session %s: status %d, want %d: %s", name, resp.StatusCode, c.status, body)
			}
		}
		if n := b.places(); n != 1 {
			t.Errorf("%d places are taken, want 1", n)
		}
	})
}

// A token that ends while its session is opened leaves nothing.
func TestSessions_openedByAnEndedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := asTokens{}
		tokens.issue(t, "alice/old")()
		b := newBench(t, transportOptions{}).servePipe(tokens.wrap)
		b.initializeAs("alice/old")
		synctest.Wait()
		if n := b.places(); n != 0 {
			t.Errorf("%d places are taken, want none", n)
		}
	})
}

// An agent in a loop locks nobody out: its new session ends its own that was
// idle for longest, and none that is in use.
func TestSessions_ofOneAgentAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := asTokens{}
		tokens.issue(t, "mal/1")
		tokens.issue(t, "bob/1")
		b := newBench(t, transportOptions{MaxSessions: 60, KeepAlive: time.Hour}).servePipe(tokens.wrap) // three for each
		listening, _ := b.initializeAs("mal/1")
		get := b.start("GET", "/mcp", "", listening)
		get.want(t, ": ok")
		called, _ := b.initializeAs("mal/1")
		var last headers
		for range 10 {
			time.Sleep(time.Second)
			session, status := b.initializeAs("mal/1")
			if status != 200 {
				t.Fatalf("initialize: status %d, want 200", status)
			}
			if last != nil {
				resp, body := b.do("POST", "/mcp", legacyCall(1, "echo", ""), last)
				wantStatus(t, "the session before", resp, body, 404, "Session not found")
			}
			last = session
			time.Sleep(time.Second)
			resp, body := b.do("POST", "/mcp", legacyCall(1, "echo", "here"), called)
			wantStatus(t, "the session called last", resp, body, 200, "here")
		}
		resp, body := b.do("POST", "/mcp", legacyCall(1, "echo", "here"), listening)
		wantStatus(t, "the session in use", resp, body, 200, "here")
		if _, status := b.initializeAs("bob/1"); status != 200 {
			t.Errorf("another agent: status %d, want 200", status)
		}
		if n := b.places(); n != 4 {
			t.Errorf("%d places are taken, want 3 and 1", n)
		}

		for _, session := range []headers{last, called} {
			b.start("GET", "/mcp", "", session).want(t, ": ok")
		}
		resp, body = b.do("POST", "/mcp", legacyInit, bearer("mal/1"))
		wantStatus(t, "one more while all are in use", resp, body, 503, "too many sessions")
		resp, body = b.do("GET", "/sse", "", bearer("mal/1"))
		wantStatus(t, "/sse while all are in use", resp, body, 503, "too many sessions")
	})
}

// Holders of the shared token may be many, and can't be told apart. However many
// sessions they open, there is room for the agents.
func TestSessions_theNamelessLeaveRoom(t *testing.T) {
	tokens := asTokens{}
	tokens.issue(t, "bob/1")
	b := newBench(t, transportOptions{MaxSessions: 8}).serve(tokens.wrap)
	first := b.initialize()
	sse := b.listenSSE()
	for range 4 {
		b.initialize()
	}
	for range 5 {
		resp, body := b.do("POST", "/mcp", legacyInit, nil)
		wantStatus(t, "one too many", resp, body, 503, "too many sessions")
	}
	resp, body := b.do("POST", "/mcp", legacyCall(1, "echo", "here"), first)
	wantStatus(t, "none of theirs ended for another", resp, body, 200, "here")
	b.post(sse, legacyCall(1, "echo", "still here"))
	sse.want(t, "still here")
	if _, status := b.initializeAs("bob/1"); status != 200 {
		t.Errorf("an agent: status %d, want 200", status)
	}
	b.do("DELETE", "/mcp", "", first)
	b.initialize()
}
