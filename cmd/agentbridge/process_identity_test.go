package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// An agent of an identity provider finds its way by the bridge's own answers,
// is itself, and nobody else is. The same holds for all that is no token of it.
func TestProcess_serveKnowsAProvider(t *testing.T) {
	identity := newProvider(t)
	h := newHome(t)
	p, url := h.serve(t, "--oidc-issuer", identity.url)
	if banner := strings.Join(p.banner, "\n"); !strings.Contains(banner, "  OAuth      access tokens of "+identity.url+" admit; clients read "+url+"/.well-known/oauth-protected-resource\n") {
		t.Errorf("the banner says nothing of it:\n%s", banner)
	}
	refused, _ := ask(t, http.DefaultClient, "POST", url+"/mcp", "{}")
	_, at, _ := strings.Cut(refused.Header.Get("WWW-Authenticate"), `resource_metadata="`)
	at, _, _ = strings.Cut(at, `"`)
	var metadata struct {
		Resource string
		Servers  []string `json:"authorization_servers"`
	}
	if err := json.Unmarshal([]byte(wantStatus(t, 200, "GET", at)), &metadata); err != nil || len(metadata.Servers) != 1 || metadata.Servers[0] != identity.url || metadata.Resource != url+"/mcp" {
		t.Fatalf("%s: %+v, %v", at, metadata, err)
	}

	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	carol := bearer(identity.token(t, metadata.Resource, "carol", nil))
	sent, body := ask(t, http.DefaultClient, "POST", url+"/api/send", `{"channel":"c","content":"hello"}`, carol...)
	if sent.StatusCode != 200 {
		t.Fatalf("carol sends: %d %s", sent.StatusCode, body)
	}
	if body := wantStatus(t, 200, "GET", url+"/api/messages?channel=c", carol...); !strings.Contains(body, `"sender":"carol","verified":true`) {
		t.Errorf("carol's message: %s", body)
	}
	h.administer(t, "agent", "add", "alice")
	none := identity.token(t, url, "dave", args{"roles": "user"})
	wantStatus(t, 403, "GET", url+"/api/state", bearer(none)...)
	for name, token := range map[string]string{
		"for another":    identity.token(t, "https://other.example", "carol", nil),
		"expired":        identity.token(t, url, "carol", args{"exp": 1}),
		"not signed":     strings.TrimSuffix(identity.token(t, url, "carol", nil), "x")[:100] + ".e30.e30",
		"an ID token":    identity.token(t, url, "carol", args{"nonce": "n"}),
		"a local name":   identity.token(t, url, "alice", nil),
		"in the address": "",
	} {
		if name == "in the address" {
			wantStatus(t, 400, "GET", url+"/api/state?access_token="+none)
			continue
		}
		if body := wantStatus(t, 401, "GET", url+"/api/state", bearer(token)...); body != `{"error":"unauthorized"}`+"\n" {
			t.Errorf("%s: %s", name, body)
		}
	}
	h.administer(t, "agent", "revoke", "carol", "--yes")
	wantStatus(t, 401, "GET", url+"/api/state", carol...)
	p.terminate()
	<-p.exited
	if text := p.stderr.String(); strings.Contains(text, "eyJ") || !strings.Contains(text, `msg="an identity was refused"`) {
		t.Errorf("stderr %q, want the name that is taken and no token", text)
	}
}

// administer runs a command of the operator on the database.
func (h home) administer(t *testing.T, words ...string) (stdout string) {
	t.Helper()
	out, err := command(t, append(words, "--db", h.db())...).Output()
	if err != nil {
		t.Fatalf("agentbridge %q: %v", words, err)
	}
	return strings.TrimSpace(string(out))
}

// Whatever an agent has open when another process revokes it ends within five
// seconds, over HTTP/1.1 and HTTP/2; another agent's goes on.
func TestProcess_revocationEndsStreams(t *testing.T) {
	cert, key := newCertificate(t)
	h := newHome(t)
	_, url := h.serve(t, "--require-token", "--tls-cert", cert, "--tls-key", key)
	alice, bob := h.administer(t, "agent", "add", "alice"), h.administer(t, "agent", "add", "bob")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(readFile(t, cert))
	open := map[string]chan string{} // what came after all is well
	for proto, second := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: second}
		t.Cleanup(transport.CloseIdleConnections)
		v := &visitor{t, &http.Client{Transport: transport}, url, proto}
		session := v.initialize(alice)
		for _, path := range []string{"/events/channel/c", "/api/events", "/sse", "/mcp"} {
			open[proto+" "+path] = rest(v.request("GET", path, "", alice, session))
		}
		open[proto+" bob's"] = rest(v.request("GET", "/api/events", "", bob, ""))
		open[proto+" /api/wait"] = v.wait("GET", "/api/wait?channel=c&consumer_id=alice&timeout_seconds=55", "", alice, "")
		open[proto+" bridge_wait"] = v.wait("POST", "/mcp", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":`+strings.Replace(waiting, `"consumer_id":"c"`, `"consumer_id":"alice"`, 1)+`}`, alice, session)
	}
	v := &visitor{t, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}, url, "HTTP/1.1"}
	v.initialize(alice) // was answered after all that was sent before
	revoked := time.Now()
	h.administer(t, "agent", "revoke", "alice", "--yes")
	for name, ended := range open {
		if strings.HasSuffix(name, " bob's") {
			continue
		}
		text := within(t, 10*time.Second, "the end of "+name, ended)
		if took := time.Since(revoked); took > 5*time.Second {
			t.Errorf("%s ended after %v", name, took)
		}
		if strings.HasSuffix(name, "/api/wait") && !strings.HasPrefix(text, "401 ") {
			t.Errorf("%s ended with %q, want 401", name, text)
		}
	}
	t.Logf("all had ended %v after the revocation", time.Since(revoked).Round(time.Millisecond))
	for name, ended := range open {
		select {
		case text := <-ended:
			t.Errorf("%s ended too: %q", name, text)
		default:
		}
	}
}

// visitor talks to a bridge over one version of HTTP.
type visitor struct {
	*testing.T
	client *http.Client
	url    string
	proto  string
}

// request sends one and returns its answer, whose body may still be coming.
func (v *visitor) request(method, path, body, token, session string) *http.Response {
	v.Helper()
	response, err := v.client.Do(v.ask(method, path, body, token, session))
	if err != nil {
		v.Fatal(err)
	}
	if response.Proto != v.proto {
		v.Errorf("%s %s: %s, want %s", method, path, response.Proto, v.proto)
	}
	return response
}

func (v *visitor) ask(method, path, body, token, session string) *http.Request {
	r := post(v.url, session, body)
	if method == "GET" {
		r = httptest.NewRequestWithContext(v.Context(), "GET", v.url+path, nil)
		r.RequestURI = ""
		r.Header.Set("Accept", "text/event-stream")
		if session != "" && path == "/mcp" {
			r.Header.Set("Mcp-Session-Id", session)
		}
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func (v *visitor) initialize(token string) (session string) {
	v.Helper()
	response := v.request("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":`+initialize+`}`, token, "")
	if text := <-rest(response); response.StatusCode != 200 {
		v.Fatalf("initialize: %s", text)
	}
	return response.Header.Get("Mcp-Session-Id")
}

// wait sends a request that is answered when it likes, and tells how.
func (v *visitor) wait(method, path, body, token, session string) chan string {
	answer := make(chan string, 1)
	go func() {
		response, err := v.client.Do(v.ask(method, path, body, token, session))
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- <-rest(response)
	}()
	return answer
}

// rest tells the status of an answer and, when it ends, all that came.
func rest(response *http.Response) chan string {
	ended := make(chan string, 1)
	go func() {
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			text = append(text, err.Error()...)
		}
		ended <- response.Status + " " + string(text)
	}()
	return ended
}

// A token that was spoilt on its way makes nobody an owner, by no command; one as
// it was given out is the agent.
func TestProcess_spoiltTokens(t *testing.T) {
	h := newHome(t)
	viewer := h.administer(t, "agent", "add", "vera", "--role", "viewer", "--scope", "read:pub:*")
	for _, c := range []struct {
		variable string
		exit     int
		args     []string
	}{
		{`"` + viewer + `"`, exitUsage, []string{"stdio"}},
		{"Bearer " + viewer, exitUsage, []string{"send", "pub:x", "forged"}},
		{"${" + tokenVariable + "}", exitUsage, []string{"channel", "clear", "pub:x", "--yes"}},
		{"", exitUsage, []string{"channel", "list"}},
		{viewer[:len(viewer)-1] + "-", exitUsage, []string{"stdio"}},
		{viewer, exitRefused, []string{"send", "pub:x", "forged"}},
	} {
		cmd := command(t, h.flags(c.args...)...)
		cmd.Env = append(cmd.Env, tokenVariable+"="+c.variable)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, _ := cmd.Output()
		if got := cmd.ProcessState.ExitCode(); got != c.exit || len(out) > 0 || strings.Count(stderr.String(), "\n") != 1 || strings.Contains(stderr.String(), viewer[8:40]) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want exit %d and one line", c.args, got, out, &stderr, c.exit)
		}
	}
}
