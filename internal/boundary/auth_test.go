package boundary_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agentbridge/internal/boundary"
)

var protectedPaths = []string{"/api/state", "/api", "/api/", "/api/unknown", "/events/channel/c", "/messages", "/messages/", "/sse", "/mcp", "/mcp/",
	"/%61pi/state", "//api/state", "/x/../api/state", "/events/channel/../../x", "/api%2Fstate"}

func TestToken(t *testing.T) {
	x := newBench(t, boundary.Options{Token: token}, nil)
	for _, path := range protectedPaths {
		resp := x.want(401, `{"error":"unauthorized"}`, "GET "+path)
		wantHeaders(t, resp, map[string]string{"WWW-Authenticate": `Bearer realm="agentbridge"`})
		x.want(200, "reached", "GET "+path, withToken)
	}
	for _, path := range []string{"/", "/status", "/index.html", "/apix", "/mcpx", "/events.js"} {
		x.want(200, "reached", "GET "+path)
		x.want(200, "reached", "GET "+path, "Authorization: Bearer wrong")
	}
	for _, h := range []string{"Bearer " + token, "bearer " + token, "BEARER " + token} {
		x.want(200, "reached", "GET /api/state", "Authorization: "+h)
	}
}

func TestToken_wrong(t *testing.T) {
	const given, missing = `Bearer realm="agentbridge", error="invalid_token"`, `Bearer realm="agentbridge"`
	for _, c := range []struct {
		headers   []string
		challenge string
	}{
		{nil, missing},
		{[]string{"Authorization: Basic " + token}, missing},
		{[]string{"Authorization: " + token}, missing},
		{[]string{"Authorization: Bearer"}, missing},
		{[]string{"X-Api-Key: " + token}, missing},
		{[]string{"Cookie: agentbridge_session=" + token}, missing},
		{[]string{"Authorization: Bearer wrong"}, given},
		{[]string{"Authorization: Bearer  " + token}, given},
		{[]string{"Authorization: Bearer " + token + "x"}, given},
		{[]string{"Authorization: Bearer " + token[:len(token)-1]}, given},
		{[]string{"Authorization: Bearer " + strings.ToUpper(token)}, given},
		{[]string{"Authorization: Bearer " + token + ", Bearer " + token}, given},
		{[]string{"Authorization: Bearer " + token, "Authorization: Bearer " + token}, given},
		{[]string{"Authorization: Bearer " + token, "Authorization: Basic x"}, given},
	} {
		x := newBench(t, boundary.Options{Token: token}, nil)
		resp := x.want(401, `{"error":"unauthorized"}`, "GET /api/state", c.headers...)
		wantHeaders(t, resp, map[string]string{"WWW-Authenticate": c.challenge})
	}
}

// A token of blanks is for the command to refuse. If one gets here it must admit nobody.
func TestToken_blank(t *testing.T) {
	x := newBench(t, boundary.Options{Token: " "}, nil)
	x.want(401, "unauthorized", "GET /api/state")
	x.want(401, "unauthorized", "GET /api/state", "Authorization: Bearer  ")
	x.want(401, "unauthorized", "GET /api/state", "Authorization: Bearer")
}

func TestToken_inURL(t *testing.T) {
	for _, o := range []boundary.Options{{}, {Token: token}} {
		x := newBench(t, o, nil)
		for _, query := range []string{"?token=SECRETX", "?access_token=SECRETX", "?a=b&token=SECRETX", "?a;token=SECRETX", "?TOKEN=SECRETX",
			"?%74oken=SECRETX", "?access%5Ftoken=SECRETX", "?token", "?token=%zzSECRETX", "?+token+=SECRETX"} {
			for _, path := range []string{"/api/state", "/events/channel/c", "/sse", "/mcp", "/messages/", "/api/session"} {
				x.told()
				resp, body := x.do("GET "+path+query, withToken)
				refusals, log := x.told()
				if resp.StatusCode != 400 || !strings.Contains(body, "not accepted in URLs") {
					t.Errorf("%s%s: got %d %s, want 400", path, query, resp.StatusCode, body)
				}
				if len(refusals) != 1 || strings.Contains(refusals[0].Path+log+body, "SECRETX") {
					t.Errorf("%s%s: told %v and logged %s", path, query, refusals, log)
				}
			}
		}
		x.want(200, "reached", "GET /api/state?tokens=1&my_token=2&x=token", withToken)
		x.want(200, "reached", "GET /?token=x") // there is nothing behind it that would take it
	}
}

// Nothing that was sent as a credential is ever written.
func TestToken_notWritten(t *testing.T) {
	x := newBench(t, boundary.Options{Token: token}, nil)
	x.do("GET /api/state?q=SECRETX", "Authorization: Bearer SECRETX", "Cookie: agentbridge_session=SECRETX")
	x.do("GET /api/state", withToken, "Authorization: Bearer SECRETX")
	refusals, log := x.told()
	if len(refusals) != 2 || strings.Contains(log, "SECRETX") || strings.Contains(log, token) {
		t.Errorf("told %v, logged %s", refusals, log)
	}
}

func TestOpen_local(t *testing.T) {
	x := newBench(t, boundary.Options{}, nil)
	y := newBench(t, boundary.Options{AllowUnauthenticatedNetwork: true}, nil)
	proxies, _ := boundary.ParseProxies([]string{"127.0.0.1"})
	z := newBench(t, boundary.Options{Proxies: proxies}, nil)
	for _, path := range protectedPaths {
		x.want(200, "reached", "GET "+path)
		for _, h := range []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: ", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: 1.1 x",
			"X-Forwarded-Proto: https"} {
			x.want(403, "unauthenticated network access is disabled", "GET "+path, h)
			z.want(403, "unauthenticated network access is disabled", "GET "+path, h)
			y.want(200, "reached", "GET "+path, h)
			x.want(200, "reached", "GET /status", h)
		}
	}
}

func TestOpen_network(t *testing.T) {
	for address, local := range map[string]bool{
		"127.0.0.1:5": true, "127.5.5.5:5": true, "[::1]:5": true, "[::ffff:127.0.0.1]:5": true,
		"192.168.1.7:5": false, "[fd00::1]:5": false, "8.8.8.8:5": false, "@": false, "": false, "0.0.0.0:5": false,
	} {
		for _, allow := range []bool{false, true} {
			h := boundary.New(boundary.Options{AllowUnauthenticatedNetwork: allow}).Wrap(http.HandlerFunc(reached))
			for path, protected := range map[string]bool{"/api/state": true, "/api/session": true, "/status": false, "/": false} {
				r := httptest.NewRequest("GET", "http://localhost"+path, nil)
				r.RemoteAddr = address
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				want := 200
				if protected && !local && !allow {
					want = 403
				}
				if w.Code != want {
					t.Errorf("%s from %q, allow %t: got %d, want %d", path, address, allow, w.Code, want)
				}
			}
		}
	}
}

func TestClientAddress(t *testing.T) {
	proxies, err := boundary.ParseProxies([]string{"127.0.0.1", " 10.0.0.0/8 ", "fd00::/16"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		believed bool
		headers  []string
		want     string
	}{
		{true, nil, "127.0.0.1"},
		{true, []string{"X-Forwarded-For: 8.8.8.8"}, "8.8.8.8"},
		{true, []string{"X-Forwarded-For: 1.1.1.1, 8.8.8.8"}, "8.8.8.8"},
		{true, []string{"X-Forwarded-For: 1.1.1.1, 8.8.8.8, 10.0.0.3,10.0.0.4"}, "8.8.8.8"},
		{true, []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 8.8.8.8", "X-Forwarded-For: 10.0.0.3"}, "8.8.8.8"},
		{true, []string{"X-Forwarded-For: 8.8.8.8:1234"}, "8.8.8.8"},
		{true, []string{"X-Forwarded-For: [2001:db8::1]:1234"}, "2001:db8::1"},
		{true, []string{"X-Forwarded-For: [2001:db8::1]"}, "2001:db8::1"},
		{true, []string{"X-Forwarded-For: 2001:db8::1%eth0, fd00::7"}, "2001:db8::1"},
		{true, []string{"X-Forwarded-For: ::ffff:8.8.8.8"}, "8.8.8.8"},
		{true, []string{"X-Forwarded-For: 8.8.8.8, unknown"}, "127.0.0.1"},
		{true, []string{"X-Forwarded-For: 8.8.8.8, unknown, 10.0.0.3"}, "10.0.0.3"},
		{true, []string{"X-Forwarded-For: 8.8.8.8,"}, "127.0.0.1"},
		{true, []string{"X-Forwarded-For: 10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		{true, []string{"X-Real-IP: 8.8.8.8", "Forwarded: for=8.8.8.8"}, "127.0.0.1"},
		{false, []string{"X-Forwarded-For: 8.8.8.8"}, "127.0.0.1"},
	} {
		o := boundary.Options{Token: token}
		if c.believed {
			o.Proxies = proxies
		}
		x := newBench(t, o, nil)
		x.do("GET /api/state", c.headers...)
		if refusals, _ := x.told(); len(refusals) != 1 || refusals[0].Address != c.want || refusals[0].Path != "/api/state" {
			t.Errorf("%v %q: told %v, want address %s", c.believed, c.headers, refusals, c.want)
		}
	}
}

func TestParseProxies(t *testing.T) {
	list, err := boundary.ParseProxies([]string{"10.0.0.5", "10.1.2.3/24", "::ffff:10.9.9.9", "fd00::1"})
	if err != nil || len(list) != 4 || list[1].String() != "10.1.2.0/24" || list[2].String() != "10.9.9.9/32" {
		t.Errorf("got %v, %v", list, err)
	}
	for _, s := range []string{"", "x", "10.0.0.0/33", "0.0.0.0/0", "::/0", "fe80::1%eth0", "proxy.example", "10.0.0.1:80", "::ffff:10.0.0.0/104"} {
		if _, err := boundary.ParseProxies([]string{s}); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

// The address of a connection counts, whatever its headers say: here a connection that comes from elsewhere.
func TestOpen_networkListener(t *testing.T) {
	x := newBench(t, boundary.Options{}, nil)
	server := httptest.NewUnstartedServer(x.server.Config.Handler)
	server.Listener = elsewhere{server.Listener}
	server.Start()
	t.Cleanup(server.Close)
	x.server = server
	x.want(403, "unauthenticated network access is disabled", "GET /api/state", "Host: localhost")
	x.want(200, "reached", "GET /status", "Host: localhost")
}

type elsewhere struct{ net.Listener }

func (l elsewhere) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return elsewhereConn{c}, err
}

type elsewhereConn struct{ net.Conn }

func (elsewhereConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 168, 1, 7), Port: 5}
}
