package boundary_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/internal/boundary"
)

// agents is an Authenticator that knows what a test tells it.
type agents struct {
	mu       sync.Mutex // guards the fields below
	required bool
	fault    error
	by       map[string]agentbridge.Principal // credential
	end      map[string]context.CancelCauseFunc
	asked    int
}

func (a *agents) AuthRequired() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.required
}

func (a *agents) Authenticate(_ context.Context, credential string) (agentbridge.Principal, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	p, ok := a.by[credential]
	switch {
	case a.fault != nil:
		return agentbridge.Principal{}, a.fault
	case !ok:
		return agentbridge.Principal{}, agentbridge.Refuse(agentbridge.Unauthenticated, "", "no such token: SECRETX")
	case len(p.Roles) == 0:
		return agentbridge.Principal{}, agentbridge.Refuse(agentbridge.Forbidden, "", "it holds no role")
	}
	return p, nil
}

// add makes an agent known, and with it credentials necessary.
func (a *agents) add(name string, roles ...agentbridge.AccessRole) (credential string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by, a.end = map[string]agentbridge.Principal{}, map[string]context.CancelCauseFunc{}
	}
	credential = "abr_api_" + name
	life, end := context.WithCancelCause(context.Background())
	a.by[credential] = agentbridge.Principal{Name: agentbridge.AgentName(name), Roles: roles, Life: life}
	a.end[credential], a.required = end, true
	return credential
}

var errRevoked = agentbridge.Refuse(agentbridge.Unauthenticated, "", "the token was revoked")

func (a *agents) revoke(credential string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end[credential](errRevoked)
	delete(a.by, credential)
}

func (a *agents) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = err
}

func (a *agents) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

const member, auditor = agentbridge.RoleMember, agentbridge.RoleAuditor

// whoAsks answers with the name and roles of the principal.
func whoAsks(w http.ResponseWriter, r *http.Request) {
	p := agentbridge.PrincipalOf(r.Context())
	fmt.Fprintf(w, "%q %v", p.Name, p.Roles)
}

const anybody = `"" [admin]`

func holding(credential string) string { return "Authorization: Bearer " + credential }

func TestAgents(t *testing.T) {
	a := &agents{}
	x := newBench(t, boundary.Options{Token: token, Authenticator: a}, whoAsks)
	x.want(200, anybody, "GET /api/state", withToken)
	alice, nobody := a.add("alice", member, auditor), a.add("nobody")
	x.want(200, `"alice" [member auditor]`, "GET /api/state", holding(alice))
	x.want(200, anybody, "GET /api/state", withToken)
	x.want(401, `{"error":"unauthorized"}`, "GET /api/state")
	x.want(401, `{"error":"unauthorized"}`, "GET /api/state", holding(alice+"x"))
	x.want(401, `{"error":"unauthorized"}`, "GET /api/state", holding(alice), holding(alice))
	x.want(401, `{"error":"unauthorized"}`, "GET /api/state", "Authorization: Basic "+alice)
	x.want(400, "not accepted in URLs", "GET /api/state?token="+alice)
	wantHeaders(t, x.wantForbidden("GET /api/state", holding(nobody)),
		map[string]string{"WWW-Authenticate": `Bearer realm="agentbridge", error="insufficient_scope"`})
	a.revoke(alice)
	resp := x.want(401, `{"error":"unauthorized"}`, "GET /api/state", holding(alice))
	wantHeaders(t, resp, map[string]string{"WWW-Authenticate": `Bearer realm="agentbridge", error="invalid_token"`})
	if _, log := x.told(); strings.Contains(log, "SECRETX") || strings.Contains(log, alice) {
		t.Errorf("logged %s", log)
	}
}

// wantForbidden is want for a credential that is right and admits to nothing.
func (x *bench) wantForbidden(line string, headers ...string) *http.Response {
	x.t.Helper()
	x.told()
	resp, body := x.do(line, headers...)
	refusals, _ := x.told()
	if resp.StatusCode != 403 || body != `{"error":"it holds no role"}`+"\n" || len(refusals) != 1 || refusals[0].Action != agentbridge.ActionAuthFailure {
		x.t.Errorf("%s: got %d %s and told %v", line, resp.StatusCode, body, refusals)
	}
	return resp
}

// An open bridge is so until there is somebody to tell apart. Then it closes at once.
func TestAgents_closeAnOpenBridge(t *testing.T) {
	a := &agents{}
	x := newBench(t, boundary.Options{Authenticator: a}, whoAsks)
	x.want(200, anybody, "GET /api/state")
	x.want(200, anybody, "GET /api/state", holding("of another bridge")) // nobody has one here
	x.want(200, openDoor, "POST /api/session", holding("of another bridge"))
	x.want(403, "unauthenticated network", "GET /api/state", "X-Forwarded-For: 8.8.8.8")

	alice := a.add("alice", member)
	for _, path := range append(protectedPaths, "/api/session") {
		x.want(401, `{"error":"unauthorized"}`, "GET "+path)
	}
	x.want(401, "unauthorized", "GET /api/state", holding("of another bridge"))
	x.want(401, "unauthorized", "GET /api/state", "X-Forwarded-For: 8.8.8.8")
	x.want(200, `"alice" [member]`, "GET /api/state", holding(alice), "X-Forwarded-For: 8.8.8.8") // who it is counts, not from where
	a.revoke(alice)
	x.want(401, "unauthorized", "GET /api/state", holding(alice))
	x.want(401, "unauthorized", "GET /api/state")
	x.want(200, "", "GET /status")
}

func TestAgents_requireToken(t *testing.T) {
	for _, o := range []boundary.Options{{RequireToken: true}, {RequireToken: true, Authenticator: &agents{}}, {RequireToken: true, AllowUnauthenticatedNetwork: true}} {
		x := newBench(t, o, whoAsks)
		x.want(401, "unauthorized", "GET /api/state")
		x.want(401, "unauthorized", "GET /api/state", holding("x"))
		x.want(401, "unauthorized", "GET /api/state", "Authorization: Bearer x", "Authorization: Bearer x") // is ""
		x.want(401, "unauthorized", "POST /api/session")
		x.want(200, "", "GET /status")
	}
}

// The network that is let in without credentials is not let in with wrong ones: whoever shows one means to be
// somebody.
func TestAgents_unauthenticatedNetwork(t *testing.T) {
	a := &agents{}
	x := newBench(t, boundary.Options{Authenticator: a, AllowUnauthenticatedNetwork: true}, whoAsks)
	alice := a.add("alice", member)
	x.want(200, anybody, "GET /api/state", "X-Forwarded-For: 8.8.8.8")
	x.want(200, `"alice"`, "GET /api/state", holding(alice))
	x.want(401, "unauthorized", "GET /api/state", holding("wrong"))
	x.want(200, `{"authenticated":true,"auth_required":false}`, "GET /api/session")
	cookie := x.signIn(alice)
	x.want(200, `"alice"`, "GET /api/state", cookie)
	a.revoke(alice)
	x.want(401, "unauthorized", "GET /api/state", holding(alice))
	x.want(200, anybody, "GET /api/state", cookie) // as without one
}

// signIn exchanges a credential for a cookie, in the form of a request header.
func (x *bench) signIn(credential string, headers ...string) string {
	x.t.Helper()
	resp, body := x.do("POST /api/session", append(headers, holding(credential))...)
	for _, c := range resp.Cookies() {
		if c.Name == "agentbridge_session" {
			return "Cookie: " + c.Name + "=" + c.Value
		}
	}
	x.t.Fatalf("no cookie: %d %s", resp.StatusCode, body)
	return ""
}

func TestAgents_session(t *testing.T) {
	a := &agents{}
	alice, bob := a.add("alice", member, auditor), a.add("bob", member)
	x := newBench(t, boundary.Options{Token: token, Authenticator: a}, whoAsks)
	const isAlice = `{"authenticated":true,"auth_required":true,"agent":"alice","roles":["member","auditor"]}`
	x.want(200, isAlice, "GET /api/session", holding(alice))
	x.want(200, isAlice, "POST /api/session", holding(alice))
	ofAlice, ofBob, ofAll := x.signIn(alice), x.signIn(bob), x.mint()
	x.want(200, isAlice, "GET /api/session", ofAlice)
	x.want(200, signedIn, "GET /api/session", ofAll)
	x.want(200, `"alice" [member auditor]`, "GET /api/state", ofAlice)
	x.want(200, `"bob" [member]`, "GET /api/state", ofAlice, holding(bob)) // the credential says who asks
	x.want(401, "unauthorized", "POST /api/session", ofAlice)              // a cookie makes no other

	a.revoke(alice)
	x.want(401, "unauthorized", "GET /api/state", ofAlice)
	x.want(401, "unauthorized", "GET /api/session", ofAlice)
	x.want(200, `"bob"`, "GET /api/state", ofBob)
	x.want(200, anybody, "GET /api/state", ofAll)
	if n := x.b.Sessions(); n != 2 {
		t.Errorf("%d sessions are left, want bob's and that of the shared token", n)
	}
}

// Mallory plants a cookie in alice's browser: one of her own, one that she made up. Alice signs in, and Mallory
// is not in.
func TestAgents_sessionFixation(t *testing.T) {
	a := &agents{}
	alice, mallory := a.add("alice", member), a.add("mallory", member)
	x := newBench(t, boundary.Options{Authenticator: a}, whoAsks)
	for _, planted := range []string{x.signIn(mallory), "Cookie: agentbridge_session=" + strings.Repeat("A", 43)} {
		cookie := x.signIn(alice, planted)
		if cookie == planted {
			t.Fatal("alice's session has the cookie that was planted")
		}
		x.want(401, "unauthorized", "GET /api/state", planted)
		x.want(200, `"alice"`, "GET /api/state", cookie)
	}
}

// One agent that signs in again and again ends its own sessions, not the others'.
func TestAgents_manySessions(t *testing.T) {
	a := &agents{}
	alice, mallory := a.add("alice", member), a.add("mallory", member)
	b := boundary.New(boundary.Options{Token: token, Authenticator: a})
	h := b.Wrap(http.HandlerFunc(whoAsks))
	ask := func(method, path, header, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://localhost"+path, nil)
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	in := func(credential string) string {
		c := ask("POST", "/api/session", "Authorization", "Bearer "+credential).Result().Cookies()
		return c[0].Name + "=" + c[0].Value
	}
	hers, own := in(alice), in(mallory)
	for range 2 * boundary.MaxSessions {
		in(mallory)
	}
	if w := ask("GET", "/api/state", "Cookie", hers); w.Code != 200 {
		t.Errorf("alice's session: %d %s", w.Code, w.Body)
	}
	if w := ask("GET", "/api/state", "Cookie", own); w.Code != 401 {
		t.Errorf("mallory's first session: %d %s", w.Code, w.Body)
	}
	if n := b.Sessions(); n > 100 {
		t.Errorf("%d sessions are kept", n)
	}
}

// Whoever has a token of her own may come in as often as she likes, and still can't guess at the one that all
// share and that may do more.
func TestAgents_guessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &agents{}
		alice := a.add("alice", member)
		b := boundary.New(boundary.Options{Token: token, Authenticator: a})
		g := &gate{t, b, b.Wrap(http.HandlerFunc(reached))}
		g.want(200, attacker, alice)
		for range 10 {
			g.want(401, attacker, "abr_api_guess")
		}
		g.want(429, attacker, "abr_api_guess")
		g.want(200, attacker, alice) // the agents of a machine don't lock each other out
		g.want(429, attacker, token) // but her success is none of this token
		g.want(200, neighbor, token)

		time.Sleep(6 * time.Second)
		g.want(200, attacker, token) // one attempt is left, and it is right
		g.want(401, attacker, "wrong")
		g.want(200, attacker, token)
		g.want(200, attacker, alice)
	})
}

// From an address that has nothing left nothing is looked up any more.
func TestAgents_guessingCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &agents{}
		alice := a.add("alice", member)
		b := boundary.New(boundary.Options{Authenticator: a})
		g := &gate{t, b, b.Wrap(http.HandlerFunc(reached))}
		for range 10 {
			g.want(401, attacker, "wrong")
		}
		for range 100 {
			g.want(429, attacker, "wrong")
			g.want(429, attacker, alice)
		}
		if n := a.times(); n != 10 {
			t.Errorf("%d credentials were looked at, want 10", n)
		}
		g.want(200, neighbor, alice)
	})
}

// After a restart nobody has succeeded yet. A process of this machine that shows wrong tokens locks no agent out,
// and learns nothing by tokens of its own making: nor does it find the one that all share.
func TestAgents_goodTokenIsNeverLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const digits = agentbridge.APITokenLength - len(agentbridge.APITokenPrefix)
		a := &agents{}
		alice, nobody := a.add(strings.Repeat("a", digits), member), a.add(strings.Repeat("n", digits))
		b := boundary.New(boundary.Options{Token: token, Authenticator: a})
		g := &gate{t, b, b.Wrap(http.HandlerFunc(reached))}
		for range 10 {
			g.want(401, attacker, "wrong")
		}
		for i := range 100 {
			g.want(429, attacker, "wrong")
			g.want(429, attacker, fmt.Sprintf("%s%0*d", agentbridge.APITokenPrefix, digits, i))
		}
		if got := g.want(429, attacker, "wrong").Header().Get("Retry-After"); got != "6" {
			t.Errorf("Retry-After is %q after tokens of its own making, want 6", got)
		}
		g.want(403, attacker, nobody) // it is right, and admits to nothing
		g.want(200, attacker, alice)
		g.want(200, attacker, alice)
		g.want(429, attacker, token)
		g.want(429, attacker, "wrong")
		a.revoke(alice)
		g.want(429, attacker, alice)
		g.want(429, attacker, alice+"a")
	})
}

// A fault is nobody's attempt, and is not told to those who ask.
func TestAgents_fault(t *testing.T) {
	a := &agents{}
	alice := a.add("alice", member)
	x := newBench(t, boundary.Options{Authenticator: a}, whoAsks)
	for _, fault := range []error{errors.New("disk SECRETX"), &agentbridge.Error{Code: agentbridge.Busy, Message: "SECRETX"}} {
		a.fail(fault)
		for range 20 {
			resp, body := x.do("GET /api/state", holding(alice))
			if resp.StatusCode != 503 || body != `{"error":"credentials can't be checked at the moment: try again in 5 s"}`+"\n" || resp.Header.Get("Retry-After") != "5" {
				t.Fatalf("got %d %s %v, want 503", resp.StatusCode, body, resp.Header)
			}
		}
		x.want(401, "unauthorized", "GET /api/state") // nothing to check
		refusals, log := x.told()
		if len(refusals) != 0 || strings.Contains(log, alice) {
			t.Errorf("told %v and logged %s", refusals, log)
		}
		x.do("GET /api/state", holding(alice))
		if _, log := x.told(); !strings.Contains(log, "SECRETX") || !strings.Contains(log, "level=ERROR") {
			t.Errorf("the operator reads %q, want what is wrong", log)
		}
	}
	a.fail(nil)
	x.want(200, `"alice"`, "GET /api/state", holding(alice))
}

// Whoever hangs up while a credential is looked at is no fault of the bridge's.
func TestAgents_hangUp(t *testing.T) {
	a := &agents{}
	alice := a.add("alice", member)
	x := newBench(t, boundary.Options{Authenticator: a}, whoAsks)
	for hungUp, want := range map[bool]int{true: 0, false: 1} {
		ctx, hangUp := context.WithCancel(t.Context())
		if hungUp {
			hangUp()
		}
		a.fail(context.Canceled)
		x.told()
		r := httptest.NewRequestWithContext(ctx, "GET", "http://127.0.0.1/api/state", nil)
		r.Header.Set("Authorization", "Bearer "+alice)
		x.server.Config.Handler.ServeHTTP(httptest.NewRecorder(), r)
		hangUp()
		if refusals, log := x.told(); strings.Count(log, "level=ERROR") != want || len(refusals) != 0 {
			t.Errorf("hung up: %v; told %v and logged %q, want %d lines of level ERROR", hungUp, refusals, log, want)
		}
	}
}
