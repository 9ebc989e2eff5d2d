// This file is /api/session, where a browser exchanges the token for a cookie that no script can read.

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

// serveSession answers a request that has been admitted. Only a Bearer token gets here with a POST.
func (b *Boundary) serveSession(w http.ResponseWriter, v *visit) {
	required := b.opts.Token != ""
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if required {
			b.sessions.revoke(cookies(v.r))
			http.SetCookie(w, cookie(v, b.sessions.mint(), int(b.opts.SessionTTL/time.Second)))
		}
	case http.MethodDelete:
		b.sessions.revoke(cookies(v.r))
		http.SetCookie(w, cookie(v, "", -1))
		wire.WriteJSON(w, http.StatusOK, wire.Session{Authenticated: false, AuthRequired: required})
		return
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, DELETE")
		wire.WriteError(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	wire.WriteJSON(w, http.StatusOK, wire.Session{Authenticated: true, AuthRequired: required})
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
