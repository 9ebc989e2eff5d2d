package boundary_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"

	"agentbridge/internal/boundary"
)

func TestHost(t *testing.T) {
	x := newBench(t, boundary.Options{TrustedHosts: []string{"Bridge.example.org", "*.wild.example", "10.1.2.3", "fd00::1", "[fd00::2]"}}, nil)
	for _, c := range []struct {
		host string
		ok   bool
	}{
		{"localhost", true},
		{"LOCALHOST:8765", true},
		{"localhost.", true},
		{"localhost.:80", true},
		{"127.0.0.1:1", true},
		{"127.8.9.10", true},
		{"[::1]", true},
		{"[::1]:8765", true},
		{"[0:0:0:0:0:0:0:1]:8765", true},
		{"[::ffff:127.0.0.1]", true},
		{"bridge.example.org", true},
		{"bridge.EXAMPLE.org.:443", true},
		{"a.wild.example", true},
		{"a.b.wild.example:99", true},
		{"10.1.2.3:8765", true},
		{"[fd00::1]:8765", true},
		{"[fd00:0::2]", true},

		{"evil.example", false}, // DNS rebinding
		{"evil.example:8765", false},
		{"wild.example", false},
		{"notwild.example", false},
		{"localhost.evil.example", false},
		{"127.0.0.1.evil.example", false},
		{"xlocalhost", false},
		{"foo.localhost", false},
		{"10.1.2.4", false},
		{"0.0.0.0:8765", false},
		{"[::]:8765", false},
		{"[fd00::3]", false},
		{"127.1", false},
		{"2130706433", false},
		{"0177.0.0.1", false},
		{"localhost:99999", false},
		{"localhost:8x", false},
		{"localhost:1:2", false},
		{"localhost..", false},
		{"user@localhost", false},
		{"::1", false},
		{"[::1]x", false},
		{"[fe80::1%25lo]", false},
		{"[localhost]", false},
	} {
		if c.ok {
			x.want(200, "reached", "GET /", "Host: "+c.host)
			x.want(200, "reached", "GET /status", "Host: "+c.host)
		} else {
			x.want(400, "invalid host header", "GET /", "Host: "+c.host)
			x.want(400, "invalid host header", "GET /status", "Host: "+c.host)
		}
	}
}

// A page of evil.example whose name now points here is same origin to its browser.
func TestHost_rebinding(t *testing.T) {
	x := newBench(t, boundary.Options{}, nil)
	for _, line := range []string{"GET /api/state", "POST /api/send", "GET /events/channel/c", "POST /mcp", "GET /sse", "OPTIONS /api/send"} {
		x.want(400, "invalid host header", line, "Host: evil.example:8765", "Origin: http://evil.example:8765",
			"Sec-Fetch-Site: same-origin", asJSON)
	}
}

func TestHost_behindProxy(t *testing.T) {
	proxies, err := boundary.ParseProxies([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	o := boundary.Options{Token: token, TrustedHosts: []string{"bridge.example.org"}, Proxies: proxies}
	x := newBench(t, o, nil)
	page := []string{withToken, "X-Forwarded-Proto: https", "Origin: https://bridge.example.org"}
	x.want(200, "reached", "GET /api/state", append(page, "X-Forwarded-Host: bridge.example.org")...)
	x.want(200, "reached", "GET /api/state", append(page, "X-Forwarded-Host: evil.example, bridge.example.org")...)
	x.want(400, "invalid host header", "GET /api/state", append(page, "X-Forwarded-Host: evil.example")...)
	x.want(400, "invalid host header", "GET /api/state", append(page, "X-Forwarded-Host: bridge.example.org", "Host: evil.example")...)
	x.want(403, "origin not allowed", "GET /api/state", page...) // of another host than the one that was asked for

	// Nobody else is believed.
	o.Proxies = nil
	x = newBench(t, o, nil)
	x.want(403, "origin not allowed", "GET /api/state", append(page, "X-Forwarded-Host: bridge.example.org")...)
	x.want(403, "origin not allowed", "GET /api/state", withToken, "X-Forwarded-Proto: https", "Host: bridge.example.org",
		"Origin: https://bridge.example.org")
}

// What net/http refuses for us, and has to go on refusing: requests that two readers could read as different ones.
func TestFraming(t *testing.T) {
	x := newBench(t, boundary.Options{}, nil)
	for name, head := range map[string]string{
		"two hosts":              "Host: localhost\r\nHost: localhost\r\n",
		"no host":                "",
		"two lengths":            "Host: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
		"a signed length":        "Host: localhost\r\nContent-Length: +2\r\n",
		"an unknown encoding":    "Host: localhost\r\nTransfer-Encoding: xchunked\r\n",
		"two encodings":          "Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"a space before a colon": "Host: localhost\r\nContent-Length : 2\r\n",
		"a broken escape":        "Host: localhost\r\n",
	} {
		path := "/api/send"
		if name == "a broken escape" {
			path = "/api/%zz"
		}
		status := x.raw(fmt.Sprintf("POST %s HTTP/1.1\r\n%sContent-Type: application/json\r\n\r\n{}", path, head))
		if status != 400 && status != 501 {
			t.Errorf("%s: got %d, want 400 or 501", name, status)
		}
	}
	if status := x.raw("GET http://evil.example/api/state HTTP/1.1\r\nHost: localhost\r\n\r\n"); status != 400 {
		t.Errorf("a host in the request line: got %d, want 400", status)
	}
}

// raw sends bytes and returns the status of the answer.
func (x *bench) raw(request string) int {
	x.t.Helper()
	conn, err := net.Dial("tcp", x.server.Listener.Addr().String())
	if err != nil {
		x.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(request)); err != nil {
		x.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		x.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestCheckHost(t *testing.T) {
	for _, s := range []string{"localhost", "bridge.example.org", "Bridge", "*.example.org", "10.0.0.1", "fd00::1", "[fd00::1]", "my_box"} {
		if err := boundary.CheckHost(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "*", "*.", "*.*.org", "a:80", "10.0.0.1:80", "[fd00::1]:80", "http://a", "a/b", "a b", " a", "fe80::1%eth0",
		"*.10.0.0.1", "*.fd00::1", "*.[fd00::1]", "münchen.de", "a..b", "."} {
		if boundary.CheckHost(s) == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}
