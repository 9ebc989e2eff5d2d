// This file answers browsers that ask on behalf of pages of the listed origins (Fetch standard, §3.2).

package boundary

import (
	"net/http"
	"slices"
	"strings"
)

var (
	corsMethods = []string{"GET", "POST", "DELETE", "OPTIONS"}
	corsHeaders = []string{"Authorization", "Content-Type", "Last-Event-ID", "Mcp-Session-Id", "MCP-Protocol-Version",
		"Mcp-Method", "Mcp-Name"} // the last two came with MCP 2026-07-28
	alwaysAllowed = []string{"Accept", "Accept-Language", "Content-Language"}
)

const corsMaxAge = "600" // seconds for which a browser need not ask again

// setCORS tells a browser that pages of this origin may read the answer.
func setCORS(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "Mcp-Session-Id")
}

// checkPreflight stands in for checkOrigin and all that follows: a browser sends no credentials when it asks.
func (b *Boundary) checkPreflight(v *visit) *refusal {
	h := v.r.Header
	switch {
	case len(h.Values("Origin")) > 1:
		return reject(http.StatusBadRequest, "duplicate origin header")
	case !v.listed:
		return reject(http.StatusBadRequest, "origin not allowed")
	case !slices.Contains(append([]string{"HEAD"}, corsMethods...), h.Get("Access-Control-Request-Method")):
		return reject(http.StatusBadRequest, "method not allowed from another origin")
	case !headersAllowed(h.Values("Access-Control-Request-Headers")):
		return reject(http.StatusBadRequest, "header not allowed from another origin")
	}
	return nil
}

func headersAllowed(values []string) bool {
	for name := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name = strings.TrimSpace(name)
		same := func(allowed string) bool { return strings.EqualFold(allowed, name) }
		if name != "" && !slices.ContainsFunc(corsHeaders, same) && !slices.ContainsFunc(alwaysAllowed, same) {
			return false
		}
	}
	return true
}

func answerPreflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", strings.Join(corsMethods, ", "))
	h.Set("Access-Control-Allow-Headers", strings.Join(corsHeaders, ", "))
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
}
