package boundary_test

import (
	"strings"
	"testing"

	"agentbridge/internal/boundary"

	"github.com/google/go-cmp/cmp"
)

// OAuth clients find out where to get a token from the refusal and from a document that everybody may read.
func TestResource(t *testing.T) {
	a := &agents{}
	alice := a.add("alice", member)
	x := newBench(t, boundary.Options{Authenticator: a, Resource: &boundary.Resource{URL: "https://bridge.example", Issuer: "https://issuer.example"}}, whoAsks)
	const at = "https://bridge.example/.well-known/oauth-protected-resource"
	for path, url := range map[string]string{"/api/state": at, "/events/channel/c": at, "/sse": at, "/mcp": at + "/mcp"} {
		challenge := `Bearer realm="agentbridge", resource_metadata="` + url + `"`
		wantHeaders(t, x.want(401, "unauthorized", "GET "+path), map[string]string{"WWW-Authenticate": challenge})
		wantHeaders(t, x.want(401, "unauthorized", "GET "+path, holding("x")), map[string]string{"WWW-Authenticate": challenge + `, error="invalid_token"`})
	}
	x.want(200, `"alice"`, "GET /api/state", holding(alice))
	for path, resource := range map[string]string{"": "https://bridge.example", "/mcp": "https://bridge.example/mcp"} {
		path = "/.well-known/oauth-protected-resource" + path
		want := `{"resource":"` + resource + `","authorization_servers":["https://issuer.example"],"bearer_methods_supported":["header"],` +
			`"scopes_supported":["read:*","send:*","clear:*"],"resource_name":"agentbridge"}` + "\n"
		for _, headers := range [][]string{nil, {"Origin: https://any.example", "Sec-Fetch-Site: cross-site"}, {holding("wrong")}} {
			resp, body := x.do("GET "+path, headers...)
			if diff := cmp.Diff(want, body); diff != "" {
				t.Error(diff)
			}
			wantHeaders(t, resp, map[string]string{"Content-Type": "application/json", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": ""})
		}
		resp, _ := x.do("OPTIONS "+path, "Origin: https://any.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: mcp-protocol-version")
		wantHeaders(t, resp, map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Access-Control-Allow-Methods": "GET"})
		if resp.StatusCode != 204 {
			t.Errorf("OPTIONS %s: %d", path, resp.StatusCode)
		}
		x.want(405, "method not allowed", "POST "+path)
		x.want(400, "invalid host header", "GET "+path, "Host: evil.example")
	}
	// Nowhere else may pages of other sites read.
	for _, path := range []string{"/", "/status", "/.well-known/oauth-protected-resource/", "/.well-known/oauth-protected-resource/api"} {
		wantHeaders(t, x.want(403, "origin not allowed", "GET "+path, "Origin: https://any.example"), map[string]string{"Access-Control-Allow-Origin": ""})
	}
	y := newBench(t, boundary.Options{Authenticator: a}, whoAsks)
	wantHeaders(t, y.want(401, "unauthorized", "GET /mcp"), map[string]string{"WWW-Authenticate": `Bearer realm="agentbridge"`})
	if _, body := y.do("GET /.well-known/oauth-protected-resource"); strings.Contains(body, "resource") {
		t.Errorf("without an issuer: %s", body)
	}
}
