// This file is what the checks know about a request: which of its headers count depends on who sent it.

package boundary

import (
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"

	"agentbridge"
)

const sessionPath = "/api/session"

// visit is a request as the checks see it.
type visit struct {
	r         *http.Request
	peer      netip.Addr // the other end of the connection; zero if that has no address
	client    netip.Addr // who asks, through the proxies that we believe
	byProxy   bool       // peer is one of them
	https     bool       // between the client and us, or the proxy that we believe
	host      string     // as the client named it
	origin    string     // of the page that asks; "" for none
	listed    bool       // origin is one of Options.CORSOrigins
	preflight bool       // a browser asks whether a page may ask
	path      string     // clean
	protected bool       // needs authentication
	metadata  string     // the part of the bridge whose metadata is asked for; "" if none is

	who     agentbridge.Principal // that the request acts for
	bearer  bool                  // by a credential of its own
	session *session              // by a cookie; nil if not

	anonymous bool // by neither, and only as long as nobody has a credential
}

func (b *Boundary) look(r *http.Request) *visit {
	v := &visit{r: r, peer: peerOf(r.RemoteAddr), host: r.Host, origin: r.Header.Get("Origin")}
	v.byProxy = contains(b.opts.Proxies, v.peer)
	v.client = v.peer
	if v.byProxy {
		v.client = clientOf(v.peer, r.Header.Values("X-Forwarded-For"), b.opts.Proxies)
	}
	if host := v.forwarded("X-Forwarded-Host"); host != "" {
		v.host = host
	}
	v.https = b.opts.TLS || r.TLS != nil || strings.EqualFold(v.forwarded("X-Forwarded-Proto"), "https")
	if o, ok := parseOrigin(v.origin); ok {
		v.listed = b.origins[o]
	}
	v.preflight = r.Method == http.MethodOptions && v.origin != "" && r.Header.Get("Access-Control-Request-Method") != ""
	v.metadata = b.metadataOf(r.URL.Path)
	v.path = path.Clean("/" + r.URL.Path)
	v.protected = isProtected(v.path) || isProtected(r.URL.Path) // however it is routed
	return v
}

func isProtected(p string) bool { return isBelow(p, "/api", "/events", "/messages", "/sse", "/mcp") }

// forwarded is what the proxy we believe says, "" if there is none. If a header lists several, the last is
// its own word; the others it may have got from the client.
func (v *visit) forwarded(header string) string {
	if !v.byProxy {
		return ""
	}
	return lastEntry(v.r.Header.Values(header))
}

func (v *visit) scheme() string {
	if v.https {
		return "https"
	}
	return "http"
}

// address is the client's for people to read.
func (v *visit) address() string {
	if !v.client.IsValid() {
		return "unknown"
	}
	return v.client.String()
}

// isBelow tells whether a path is one of these or below it.
func isBelow(p string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		rest, ok := strings.CutPrefix(p, root)
		return ok && (rest == "" || rest[0] == '/')
	})
}
