package boundary_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/boundary"
)

// FuzzBoundary compares what we read in Host, Origin and X-Forwarded-For with what net/url and net/netip read:
// whatever is admitted must name this machine for them too.
func FuzzBoundary(f *testing.F) {
	for _, host := range []string{"localhost", "[::1]:80", "127.0.0.1:1", "localhost.:80", "a.wild.example", "evil@localhost", "[::1]x", "localhost:"} {
		for _, origin := range []string{"", "http://localhost", "https://[::1]:80", "http://127.0.0.1:1", "null", "http://a.wild.example", "http://localhost:1/"} {
			f.Add(host, origin, "8.8.8.8, 10.0.0.1", "/api/state")
		}
	}
	f.Add("localhost", "", "[::1]:4,", "/x/../mcp")
	f.Add("localhost", "", "::ffff:1.2.3.4,unknown", "//messages")

	proxies, err := boundary.ParseProxies([]string{"10.0.0.0/8", "192.0.2.1"})
	if err != nil {
		f.Fatal(err)
	}
	var told []agentbridge.Refusal
	admitted := false
	b := boundary.New(boundary.Options{Token: token, TrustedHosts: []string{"*.wild.example"}, Proxies: proxies,
		Refused: func(r agentbridge.Refusal) { told = append(told, r) }})
	h := b.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { admitted = true }))

	f.Fuzz(func(t *testing.T, host, origin, forwarded, path string) {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.Host, r.URL.Path, r.RemoteAddr = host, path, "192.0.2.1:5"
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		r.Header.Set("X-Forwarded-For", forwarded)
		told, admitted = nil, false
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if admitted == (len(told) == 1) {
			t.Fatalf("admitted %t, told %v", admitted, told)
		}
		for _, refusal := range told {
			checkClient(t, refusal.Address, forwarded)
		}
		if w.Code == 400 || w.Code == 403 { // refused for what it looks like, not for lack of a token
			return
		}
		us, err := url.Parse("http://" + host)
		if err != nil || !isHere(us.Hostname()) {
			t.Fatalf("host %q is admitted; url: %v, %v", host, us, err)
		}
		if page, err := url.Parse(origin); origin != "" && (err != nil || page.Scheme != "http" || !isHere(page.Hostname()) || page.Path != "") {
			t.Fatalf("origin %q is admitted; url: %v, %v", origin, page, err)
		}
	})
}

func isHere(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".wild.example")
}

// checkClient: the address is the proxy's, or one that stands in the list.
func checkClient(t *testing.T, address, forwarded string) {
	a, err := netip.ParseAddr(address)
	if err != nil {
		t.Fatalf("the address is %q", address)
	}
	if address == "192.0.2.1" {
		return
	}
	for entry := range strings.SplitSeq(forwarded, ",") {
		entry = strings.Trim(entry, " \t")
		if ap, err := netip.ParseAddrPort(entry); err == nil && ap.Addr().Unmap().WithZone("") == a {
			return
		}
		if e, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil && e.Unmap().WithZone("") == a {
			return
		}
	}
	t.Fatalf("the address %s is not in %q", address, forwarded)
}
