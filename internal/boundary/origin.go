// This file is about pages in browsers that ask on their own behalf. A page can reach every address its
// user can; Origin and Sec-Fetch-Site are what it cannot forge.

package boundary

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// origin is where a page comes from (RFC 6454).
type origin struct {
	scheme string
	authority
}

// parseOrigin reads an Origin header. "null" is no origin: it stands for any page that hides its own.
func parseOrigin(s string) (origin, bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme == "" || scheme[0] < 'a' || scheme[0] > 'z' ||
		strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
		return origin{}, false
	}
	a, ok := parseAuthority(rest)
	return originOf(scheme, a), ok
}

// originOf fills in the port that a scheme means when there is none.
func originOf(scheme string, a authority) origin {
	if a.port == 0 {
		a.port = map[string]uint16{"http": 80, "https": 443}[scheme]
	}
	return origin{scheme, a}
}

func originsOf(list []string) map[origin]bool {
	origins := map[origin]bool{}
	for _, s := range list {
		if o, ok := parseOrigin(s); ok {
			origins[o] = true
		}
	}
	return origins
}

// CheckOrigin tells whether s can be one of Options.CORSOrigins.
func CheckOrigin(s string) error {
	if _, ok := parseOrigin(s); !ok {
		return fmt.Errorf("%q is not an origin that a browser sends: write scheme://host or scheme://host:port, without a path", s)
	}
	return nil
}

// checkOrigin is for every method: a GET can open a stream.
func (b *Boundary) checkOrigin(v *visit) *refusal {
	if len(v.r.Header.Values("Origin")) > 1 {
		return reject(http.StatusBadRequest, "duplicate origin header")
	}
	if _, given := v.r.Header["Origin"]; given && !v.listed && !v.sameOrigin() {
		return reject(http.StatusForbidden, "origin not allowed")
	}
	if v.protected && !v.listed && !fromSameSite(v.r.Header.Values("Sec-Fetch-Site")) {
		return reject(http.StatusForbidden, "cross-site requests are not allowed")
	}
	return nil
}

func (v *visit) sameOrigin() bool {
	o, ok := parseOrigin(v.origin)
	us, _ := parseAuthority(v.host) // has been checked
	return ok && o == originOf(v.scheme(), us)
}

// fromSameSite tells whether Sec-Fetch-Site allows a request: a browser sends it also where it sends no
// Origin, as for a GET of an image that is none. Programs send none.
func fromSameSite(values []string) bool {
	return !slices.ContainsFunc(values, func(site string) bool { return site != "same-origin" && site != "none" })
}
