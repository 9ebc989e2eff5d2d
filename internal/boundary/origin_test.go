package boundary_test

import (
	"testing"

	"agentbridge/internal/boundary"
)

// Each row is a page in a browser, which asks what it may not.
func TestOrigin_attacks(t *testing.T) {
	x := newBench(t, boundary.Options{CORSOrigins: []string{"https://listed.example"}}, nil)
	paths := []string{"GET /api/state", "GET /events/channel/c", "GET /api/events", "GET /sse", "GET /mcp", "POST /mcp", "POST /api/send",
		"POST /messages/?session_id=1", "DELETE /api/session", "POST /api/session", "DELETE /mcp", "PUT /api/x", "OPTIONS /api/send"}
	for name, headers := range map[string][]string{
		"cross-site":                          {"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"},
		"cross-site, old browser":             {"Origin: https://evil.example"},
		"cross-site, no-cors":                 {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"},
		"another port of localhost":           {"Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"},
		"another port of localhost, no-cors":  {"Sec-Fetch-Site: same-site"},
		"sandboxed frame":                     {"Origin: null", "Sec-Fetch-Site: cross-site"},
		"sandboxed frame, old browser":        {"Origin: null"},
		"file":                                {"Origin: file://"},
		"another scheme":                      {"Origin: https://" + x.host()},
		"extension":                           {"Origin: chrome-extension://abcdefghijklmnop"},
		"name that begins alike":              {"Origin: http://" + x.host() + ".evil.example"},
		"user name that looks alike":          {"Origin: http://" + x.host() + "@evil.example"},
		"with a path":                         {"Origin: http://" + x.host() + "/"},
		"name that ends like a listed one":    {"Origin: https://notlisted.example"},
		"below a listed one":                  {"Origin: https://a.listed.example"},
		"another scheme than listed":          {"Origin: http://listed.example"},
		"another port than listed":            {"Origin: https://listed.example:8443"},
		"empty":                               {"Origin: "},
		"two values of Sec-Fetch-Site":        {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"},
		"unknown value of Sec-Fetch-Site":     {"Sec-Fetch-Site: something"},
		"no origin, and an untrusted proxy's": {"Sec-Fetch-Site: cross-site", "X-Forwarded-Host: evil.example"},
	} {
		for _, line := range paths {
			t.Log(name)
			x.want(403, "not allowed", line, append(headers, asJSON)...)
		}
		if resp, _ := x.do("HEAD /api/state", headers...); resp.StatusCode != 403 {
			t.Errorf("%s: HEAD: got %d, want 403", name, resp.StatusCode)
		}
	}
	x.want(400, "duplicate origin header", "GET /api/state", "Origin: http://"+x.host(), "Origin: http://"+x.host())
	x.want(400, "duplicate origin header", "GET /", "Origin: http://"+x.host(), "Origin: http://evil.example")
	x.want(403, "origin not allowed", "GET /status", "Origin: https://evil.example")
	x.want(403, "origin not allowed", "GET /", "Origin: null")
}

func TestOrigin_admitted(t *testing.T) {
	x := newBench(t, boundary.Options{CORSOrigins: []string{"https://Listed.example:443", "vscode-webview://0abc"}, TrustedHosts: []string{"bridge"}}, nil)
	for name, headers := range map[string][]string{
		"no browser":          nil,
		"typed address":       {"Sec-Fetch-Site: none"},
		"own page":            {"Origin: http://" + x.host(), "Sec-Fetch-Site: same-origin"},
		"own page's GET":      {"Sec-Fetch-Site: same-origin"},
		"own page, port 80":   {"Origin: http://bridge", "Host: bridge:80"},
		"own page, upper":     {"Origin: HTTP://BRIDGE", "Host: Bridge"},
		"listed":              {"Origin: https://listed.example", "Sec-Fetch-Site: cross-site"},
		"listed, no web page": {"Origin: vscode-webview://0abc", "Sec-Fetch-Site: cross-site"},
	} {
		for _, line := range []string{"GET /api/state", "GET /events/channel/c", "GET /sse", "POST /mcp", "POST /api/send", "DELETE /mcp"} {
			t.Log(name)
			x.want(200, "reached", line, append(headers, asJSON)...)
		}
	}
	x.want(200, "reached", "GET /", "Sec-Fetch-Site: cross-site") // a link to the dashboard, which is public
}

func TestOrigin_TLS(t *testing.T) {
	x := newBench(t, boundary.Options{TLS: true, TrustedHosts: []string{"bridge"}}, nil)
	x.want(200, "reached", "GET /api/state", "Origin: https://"+x.host())
	x.want(200, "reached", "GET /api/state", "Host: bridge:443", "Origin: https://bridge")
	x.want(403, "origin not allowed", "GET /api/state", "Origin: http://"+x.host())
	x.want(403, "origin not allowed", "GET /api/state", "Host: bridge:80", "Origin: https://bridge")
}

func (x *bench) host() string { return x.server.Listener.Addr().String() }

func TestCheckOrigin(t *testing.T) {
	for _, s := range []string{"http://localhost:3000", "https://a.example", "https://[fd00::1]:8443", "chrome-extension://abcdef", "app://x"} {
		if err := boundary.CheckOrigin(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "*", "null", "a.example", "https://", "https://a/", "https://a/b", "https://a:0", "https://a:70000",
		"https://*.a", "https://a b", "https://u@a", "://a", "1x://a", "https://münchen.de", "https://a, https://b"} {
		if boundary.CheckOrigin(s) == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestCORS(t *testing.T) {
	x := newBench(t, boundary.Options{Token: token, CORSOrigins: []string{"https://listed.example"}}, nil)
	ask := func(origin, method, headers string) []string {
		return []string{"Origin: " + origin, "Access-Control-Request-Method: " + method, "Access-Control-Request-Headers: " + headers,
			"Sec-Fetch-Site: cross-site"}
	}
	const listed = "https://listed.example"
	for _, path := range []string{"/api/send", "/mcp", "/events/channel/c", "/"} {
		resp := x.want(204, "", "OPTIONS "+path, ask(listed, "POST", "authorization,content-type,last-event-id,mcp-session-id,mcp-protocol-version,accept")...)
		wantHeaders(t, resp, map[string]string{
			"Access-Control-Allow-Origin":      listed,
			"Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods":     "GET, POST, DELETE, OPTIONS",
			"Access-Control-Allow-Headers":     "Authorization, Content-Type, Last-Event-ID, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name",
			"Vary":                             "Origin",
			"X-Content-Type-Options":           "nosniff",
		})
	}
	x.want(204, "", "OPTIONS /api/session", ask(listed, "DELETE", "")...)

	x.want(400, "origin not allowed", "OPTIONS /api/send", ask("https://evil.example", "POST", "")...)
	x.want(400, "origin not allowed", "OPTIONS /api/send", ask("null", "POST", "")...)
	x.want(400, "origin not allowed", "OPTIONS /api/send", ask("http://localhost:3000", "POST", "")...)
	x.want(400, "method not allowed", "OPTIONS /api/send", ask(listed, "PUT", "")...)
	x.want(400, "header not allowed", "OPTIONS /api/send", ask(listed, "POST", "content-type, x-forwarded-for")...)
	x.want(400, "duplicate origin header", "OPTIONS /api/send", append(ask(listed, "POST", ""), "Origin: https://evil.example")...)

	// The answers themselves, also refusals: a page has to be able to read why.
	cross := map[string]string{"Access-Control-Allow-Origin": listed, "Access-Control-Allow-Credentials": "true",
		"Access-Control-Expose-Headers": "Mcp-Session-Id", "Vary": "Origin", "Cross-Origin-Resource-Policy": "cross-origin"}
	wantHeaders(t, x.want(200, "reached", "GET /api/state", withToken, "Origin: "+listed), cross)
	wantHeaders(t, x.want(401, "unauthorized", "GET /api/state", "Origin: "+listed), cross)
	none := map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "Access-Control-Expose-Headers": "",
		"Vary": "Origin", "Cross-Origin-Resource-Policy": "same-origin"}
	wantHeaders(t, x.want(200, "reached", "GET /api/state", withToken), none)
	wantHeaders(t, x.want(200, "reached", "GET /api/state", withToken, "Origin: http://"+x.host()), none)
	wantHeaders(t, x.want(403, "origin not allowed", "GET /api/state", withToken, "Origin: https://evil.example"), none)

	// An OPTIONS that is no preflight is a request like any other.
	x.want(401, "unauthorized", "OPTIONS /api/send")
}
