// This file is /api/session, where a browser exchanges a credential for a cookie that no script can read.

package boundary

import (
	"encoding/base64"
	"net/http"
	"time"

	"agentbridge/internal/wire"
)

const (
	cookieName = "agentbridge_session"
	maxCookies = 8 // of that name that are looked at
)

// serveSession answers a request that has been admitted. A cookie is given for a credential and never for a
// cookie, and it is never one that the browser came with: whoever planted that would share the session.
func (b *Boundary) serveSession(w http.ResponseWriter, v *visit) {
	answer := wire.Session{Authenticated: true, AuthRequired: b.required(), Agent: v.who.Name}
	if v.who.Verified() {
		answer.Roles = v.who.Roles
	}
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if v.bearer {
			b.sessions.revoke(cookies(v.r))
			http.SetCookie(w, cookie(v, b.sessions.mint(v.who), int(b.opts.SessionTTL/time.Second)))
		}
	case http.MethodDelete:
		b.sessions.revoke(cookies(v.r))
		http.SetCookie(w, cookie(v, "", -1))
		wire.WriteJSON(w, http.StatusOK, wire.Session{Authenticated: false, AuthRequired: answer.AuthRequired})
		return
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, DELETE")
		wire.WriteError(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	wire.WriteJSON(w, http.StatusOK, answer)
}

// cookie lasts for so many seconds; fewer than 0 remove it.
func cookie(v *visit, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: v.https, SameSite: http.SameSiteStrictMode}
}

// cookies are the session cookies of a request that could be ours.
func cookies(r *http.Request) []string {
	var out []string
	for _, c := range r.CookiesNamed(cookieName) {
		if len(c.Value) == base64.RawURLEncoding.EncodedLen(sessionSize) && len(out) < maxCookies {
			out = append(out, c.Value)
		}
	}
	return out
}
