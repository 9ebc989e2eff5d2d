// This file is the door of the HTTP transports: which Host, which Origin and which media type a request
// may carry. A page in the user's browser can reach a loopback port; these headers are what it cannot forge.

package mcpserver

import (
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// admit answers and reports false if the request must not go further.
func (t *transports) admit(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case !t.hostAllowed(r.Host):
		writeError(w, http.StatusBadRequest, "invalid host header")
	case !t.originAllowed(r):
		writeError(w, http.StatusForbidden, "origin not allowed")
	case r.Method == http.MethodPost && !isJSON(r.Header.Get("Content-Type")):
		writeError(w, http.StatusUnsupportedMediaType, "content-type must be application/json")
	default:
		return true
	}
	return false
}

// hostAllowed stops DNS rebinding: a name of the attacker's that resolves to our address.
func (t *transports) hostAllowed(hostport string) bool {
	host := hostname(hostport)
	if host == "localhost" || net.ParseIP(host).IsLoopback() { // an address needs no name to be resolved
		return true
	}
	return slices.ContainsFunc(t.opts.AllowedHosts, func(allowed string) bool {
		if domain, ok := strings.CutPrefix(allowed, "*"); ok && strings.HasPrefix(domain, ".") {
			return len(host) > len(domain) && strings.HasSuffix(host, strings.ToLower(domain))
		}
		return host == hostname(allowed)
	})
}

func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(host)
}

// originAllowed is asked for every method: a GET from a foreign page would open a stream and a session.
func (t *transports) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true // not a browser
	}
	if len(origins) > 1 {
		return false
	}
	if slices.ContainsFunc(t.opts.AllowedOrigins, func(allowed string) bool { return strings.EqualFold(origins[0], allowed) }) {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return mediaType == "application/json" || strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}
