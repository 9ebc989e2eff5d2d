package boundary_test

import (
	"net/http"
	"testing"

	"agentbridge/internal/boundary"
)

func wantHeaders(t *testing.T, resp *http.Response, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := resp.Header.Get(name); got != value {
			t.Errorf("%s %s: %s is %q, want %q", resp.Request.Method, resp.Request.URL.Path, name, got, value)
		}
	}
}

func TestHeaders(t *testing.T) {
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Permissions-Policy":           "camera=(), microphone=(), geolocation=(), payment=()",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security":    "",
		"Cache-Control":                "no-store",
		"Vary":                         "",
	}
	o := boundary.Options{Token: token, MaxRequestBytes: 1}
	x := newBench(t, o, nil)
	for _, resp := range []*http.Response{
		x.want(200, "reached", "GET /api/state", withToken),
		x.want(200, "true", "GET /api/session", withToken),
		x.want(401, "", "GET /events/channel/c"),
		x.want(401, "", "GET /sse"),
		x.want(400, "", "GET /mcp", "Host: evil.example"),
		x.want(403, "", "GET /messages/", "Origin: null"),
		x.want(415, "", "POST /mcp"),
	} {
		wantHeaders(t, resp, want)
	}
	want["Cache-Control"] = ""
	wantHeaders(t, x.want(200, "reached", "GET /status"), want)
	wantHeaders(t, x.want(200, "reached", "GET /"), want)

	o.TLS = true
	want["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
	wantHeaders(t, newBench(t, o, nil).want(200, "reached", "GET /"), want)

	// Behind a proxy that speaks TLS, if we believe it.
	o.TLS = false
	wantHeaders(t, x.want(200, "reached", "GET /", "X-Forwarded-Proto: https"), map[string]string{"Strict-Transport-Security": ""})
	o.Proxies, _ = boundary.ParseProxies([]string{"127.0.0.0/8"})
	wantHeaders(t, newBench(t, o, nil).want(200, "reached", "GET /", "X-Forwarded-Proto: https"), want)
	wantHeaders(t, newBench(t, o, nil).want(200, "reached", "GET /", "X-Forwarded-Proto: https, http"), map[string]string{"Strict-Transport-Security": ""})
}
