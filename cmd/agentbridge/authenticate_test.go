package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"agentbridge"

	"github.com/spf13/cobra"
)

// gatehouse is the real front of a bridge with all kinds of credentials, asked
// without a network.
type gatehouse struct {
	*testing.T
	front *front
	admin agentbridge.Operator
	from  netip.Addr // of the next request: nobody runs out of attempts
}

const bridgeURL = "https://bridge.example"

func newGatehouse(t *testing.T, flags ...string) *gatehouse {
	t.Helper()
	f := &serveFlags{}
	cmd := &cobra.Command{}
	f.declare(cmd)
	if err := cmd.ParseFlags(append([]string{"--db", filepath.Join(t.TempDir(), "bridge.db")}, flags...)); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	gate, err := f.settle(cmd.Flags(), io.Discard, log)
	if err != nil {
		t.Fatal(err)
	}
	redactor, err := f.redactor()
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.open(t.Context(), log, redactor)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.newFront(gate, b, log, bridgeURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.shutDown(); err != nil {
			t.Error(err)
		}
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	return &gatehouse{t, s, b.Operator(), netip.MustParseAddr("10.0.0.0")}
}

// ask sends a request from an address that never asked before.
func (g *gatehouse) ask(method, path string, headers http.Header) *httptest.ResponseRecorder {
	g.from = g.from.Next()
	ctx, cancel := context.WithTimeout(g.Context(), time.Second) // it may be a stream that should have been refused
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, "http://localhost"+path, strings.NewReader("{}"))
	r.RemoteAddr = net.JoinHostPort(g.from.String(), "1")
	r.Header.Set("Content-Type", "application/json")
	maps.Copy(r.Header, headers)
	w := httptest.NewRecorder()
	g.front.http.Handler.ServeHTTP(w, r)
	return w
}

func bearing(credential string) http.Header {
	return http.Header{"Authorization": {"Bearer " + credential}}
}

// add makes an agent known.
func (g *gatehouse) add(name agentbridge.AgentName) string {
	g.Helper()
	issued, err := g.admin.AddAgent(g.Context(), agentbridge.NewAgent{Name: name})
	if err != nil {
		g.Fatal(err)
	}
	return string(issued.Token)
}

// protectedRoutes are all paths that the faces answer, as their source says, but
// for those that are for everybody.
func protectedRoutes(t *testing.T) []string {
	t.Helper()
	paths := []string{"/mcp", "/sse", "/messages/?session_id=x", "/messages/x", "/api", "/api/nothing", "/events", "/events/nothing", "/api/session"}
	for _, file := range []string{"serve.go", "../../internal/httpapi/routes.go"} {
		for _, match := range regexp.MustCompile(`"(/[a-z/]*)"`).FindAllSubmatch(readFile(t, file), -1) {
			switch path := string(match[1]); path {
			case "/", "//", "/status":
			case "/api/messages/", "/events/channel/":
				paths = append(paths, path+"x")
			default:
				paths = append(paths, path)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Whatever there is to ask for, and however: whoever has no right credential
// gets one and the same answer, which is the boundary's and of no handler.
func TestAuthenticate_everyRoute(t *testing.T) {
	identity := newProvider(t)
	g := newGatehouse(t, "--oidc-issuer", identity.url, "--public-url", bridgeURL, "--audit-log")
	alice, bob := g.add("alice"), g.add("bob")
	signIn := g.ask("POST", "/api/session", bearing(bob))
	if signIn.Code != 200 {
		t.Fatalf("bob signs in: %d %s", signIn.Code, signIn.Body)
	}
	if err := g.admin.RevokeAgent(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	credentials := map[string]http.Header{
		"none":                 nil,
		"wrong":                bearing("wrong"),
		"empty":                bearing(""),
		"of no agent":          bearing(alice[:len(alice)-1] + "0"),
		"revoked":              bearing(bob),
		"revoked one's cookie": {"Cookie": {signIn.Result().Cookies()[0].String()}},
		"two":                  {"Authorization": {"Bearer " + alice, "Bearer " + alice}},
		"as a password":        {"Authorization": {"Basic " + alice}},
		"elsewhere":            {"X-Api-Key": {alice}, "Cookie": {"agentbridge_session=" + alice}},
		"expired":              bearing(identity.token(t, bridgeURL, "carol", args{"exp": time.Now().Add(-time.Second).Unix()})),
		"for another bridge":   bearing(identity.token(t, "https://other.example", "carol", nil)),
		"of a stranger":        bearing(sign(t, stranger, args{"iss": identity.url, "aud": bridgeURL, "sub": "x", "exp": time.Now().Add(time.Hour).Unix(), "roles": "admin"})),
		"an agent's name":      bearing(identity.token(t, bridgeURL, "alice", nil)),
		"a revoked name":       bearing(identity.token(t, bridgeURL, "bob", nil)),
		"like an agent's name": bearing(identity.token(t, bridgeURL, "Alice", nil)),
	}
	routes := protectedRoutes(t)
	if len(routes) < 20 || !slices.Contains(routes, "/api/wait") || !slices.Contains(routes, "/events/channel/x") {
		t.Fatalf("the routes are %q: the source has changed, and this test reads it no more", routes)
	}
	for kind, headers := range credentials {
		for _, path := range routes {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
				if method == "DELETE" && path == "/api/session" { // gives up a cookie
					continue
				}
				w := g.ask(method, path, headers)
				if w.Code != 401 || w.Body.String() != `{"error":"unauthorized"}`+"\n" || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer realm=") {
					t.Errorf("%s %s with %s: %d %q", method, path, kind, w.Code, w.Body)
				}
			}
		}
	}
	for _, headers := range []http.Header{bearing(alice), bearing(identity.token(t, bridgeURL, "carol", nil))} {
		if w := g.ask("GET", "/api/state", headers); w.Code != 200 {
			t.Errorf("a right credential: %d %s", w.Code, w.Body)
		}
	}
}

// A shared token, agents' tokens and those of a provider are each what they are.
func TestAuthenticate_whoIsWho(t *testing.T) {
	identity := newProvider(t)
	g := newGatehouse(t, "--oidc-issuer", identity.url, "--public-url", bridgeURL, "--auth-token", goodToken, "--oidc-name-claim", "login")
	alice := g.add("alice")
	for credential, want := range map[string]string{
		goodToken: `{"authenticated":true,"auth_required":true}`,
		alice:     `{"authenticated":true,"auth_required":true,"agent":"alice","roles":["member"]}`,
		identity.token(t, bridgeURL, "u-1", args{"login": "carol", "roles": "viewer auditor"}): `{"authenticated":true,"auth_required":true,"agent":"carol","roles":["viewer","auditor"]}`,
		identity.token(t, bridgeURL+"/mcp", "u-2", args{"login": "dave"}):                      `{"authenticated":true,"auth_required":true,"agent":"dave","roles":["member"]}`,
	} {
		if w := g.ask("GET", "/api/session", bearing(credential)); w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("got %d %s, want %s", w.Code, w.Body, want)
		}
	}
	// A name belongs to whoever came with it first.
	if w := g.ask("GET", "/api/session", bearing(identity.token(t, bridgeURL, "u-3", args{"login": "carol"}))); w.Code != 401 {
		t.Errorf("another carol: %d %s", w.Code, w.Body)
	}
	w := g.ask("GET", "/api/state", bearing(identity.token(t, bridgeURL, "u-4", args{"login": "erin", "roles": "nothing of ours"})))
	if w.Code != 403 || !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="insufficient_scope"`) {
		t.Errorf("without a role: %d %s %v", w.Code, w.Body, w.Header())
	}
	viewer := bearing(identity.token(t, bridgeURL, "u-1", args{"login": "carol", "roles": "viewer"}))
	w = g.ask("POST", "/api/clear", http.Header{"Authorization": viewer["Authorization"]})
	if w.Code == 200 {
		t.Errorf("a viewer clears: %s", w.Body)
	}
}

// What a provider's token lets do is what its roles and scopes let do. Refusals
// for want of a right say so in the header too.
func TestAuthenticate_scopes(t *testing.T) {
	identity := newProvider(t)
	g := newGatehouse(t, "--oidc-issuer", identity.url, "--public-url", bridgeURL)
	header := bearing(identity.token(t, bridgeURL, "carol", args{"scope": "openid send:a read:a"}))
	for path, want := range map[string]int{"/api/messages?channel=a": 200, "/api/messages?channel=b": 403} {
		w := g.ask("GET", path, header)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != want || (want == 403) != strings.Contains(got, `error="insufficient_scope"`) || (want == 403) != strings.Contains(got, "resource_metadata=") {
			t.Errorf("%s: %d %s, WWW-Authenticate %q", path, w.Code, w.Body, got)
		}
	}
}

// A bridge serves its own agents while the provider is down.
func TestAuthenticate_providerDown(t *testing.T) {
	identity := newProvider(t)
	identity.url = "http://127.0.0.1:1"
	g := newGatehouse(t, "--oidc-issuer", identity.url, "--public-url", bridgeURL)
	alice := g.add("alice")
	if w := g.ask("GET", "/api/state", bearing(alice)); w.Code != 200 {
		t.Errorf("alice: %d %s", w.Code, w.Body)
	}
	w := g.ask("GET", "/api/state", bearing(identity.token(t, bridgeURL, "carol", nil)))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("carol: %d %s %v, want 503", w.Code, w.Body, w.Header())
	}
	if w := g.ask("GET", "/api/state", nil); w.Code != 401 {
		t.Errorf("nobody: %d %s", w.Code, w.Body)
	}
}

// An operator whose provider does not answer reads so after the start.
func TestAuthenticate_greeting(t *testing.T) {
	g := newGatehouse(t, "--oidc-issuer", "http://127.0.0.1:1", "--public-url", bridgeURL)
	lines := make(chan string, 2)
	hush := g.front.porter.greet(t.Context(), slog.New(slog.NewTextHandler(told(lines), nil)))
	if line := within(t, 10*time.Second, "a line in the log", lines); !strings.Contains(line, "the identity provider can't be asked") {
		t.Errorf("the operator reads %q", line)
	}
	hush()
}

// told is a log whose lines are received.
type told chan string

func (c told) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}
