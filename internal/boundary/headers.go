// This file is the headers of every answer, refusals included.

package boundary

import "net/http"

// contentPolicy lets our own pages load our own files and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'"

func (b *Boundary) setHeaders(h http.Header, v *visit) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if v.https {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	if v.protected {
		h.Set("Cache-Control", "no-store")
	}
	if len(b.origins) > 0 {
		h.Add("Vary", "Origin")
	}
	switch {
	case v.metadata != "":
		h.Set("Cache-Control", "max-age=300")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*")
	case v.listed:
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		setCORS(h, v.origin)
	}
}
