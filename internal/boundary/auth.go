// This file asks for the token. It keeps only the token's digest.

package boundary

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"agentbridge"
)

const challenge = `Bearer realm="agentbridge"`

// checkURL refuses tokens in URLs, right or wrong and needed or not: they end in logs, histories and
// referrers. It reads the query less strictly than any handler does.
func checkURL(v *visit) *refusal {
	if !v.protected {
		return nil
	}
	pairs := strings.FieldsFunc(v.r.URL.RawQuery, func(c rune) bool { return c == '&' || c == ';' })
	for _, pair := range pairs {
		key, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(key); err == nil {
			key = decoded
		}
		if key = strings.ToLower(strings.TrimSpace(key)); key == "token" || key == "access_token" {
			return reject(http.StatusBadRequest,
				"tokens are not accepted in URLs: send the header Authorization: Bearer TOKEN, and replace this token if others may have seen it")
		}
	}
	return nil
}

// authenticate admits who may go on, and notes the session of a cookie.
func (b *Boundary) authenticate(v *visit) *refusal {
	switch {
	case !v.protected:
		return nil
	case b.opts.Token == "":
		return b.admitLocal(v)
	case v.path == sessionPath && v.r.Method == http.MethodDelete: // whoever has the cookie may give it up
		return nil
	}
	if credential, given := bearer(v.r.Header.Values("Authorization")); given {
		return b.tryToken(v, credential)
	}
	if minting := v.path == sessionPath && v.r.Method == http.MethodPost; !minting { // or a stolen cookie would live for ever
		if v.session = b.sessions.find(cookies(v.r)); v.session != nil {
			return nil
		}
	}
	return unauthorized(challenge)
}

func unauthorized(challenge string) *refusal {
	return &refusal{action: agentbridge.ActionAuthFailure, status: http.StatusUnauthorized, message: "unauthorized",
		header: "WWW-Authenticate", value: challenge}
}

// bearer returns the credential of an Authorization header (RFC 6750), and whether there is one. Two headers
// are a credential that fits nothing. Other schemes are not ours: a proxy may have asked for them.
func bearer(values []string) (credential string, given bool) {
	for _, value := range values {
		scheme, rest, ok := strings.Cut(value, " ")
		if ok && strings.EqualFold(scheme, "Bearer") {
			credential, given = rest, true
		}
	}
	if len(values) > 1 {
		credential = ""
	}
	return credential, given
}

// tryToken compares digests, so that the time it takes tells nothing about the token.
func (b *Boundary) tryToken(v *visit, credential string) *refusal {
	digest := sha256.Sum256([]byte(credential))
	right := subtle.ConstantTimeCompare(digest[:], b.token[:]) == 1
	switch verdict, wait := b.attempts.judge(v.client, right); verdict {
	case passed:
		return nil
	case limited:
		seconds := int64((wait + time.Second - 1) / time.Second)
		return &refusal{action: agentbridge.ActionAuthFailure, status: http.StatusTooManyRequests,
			message: fmt.Sprintf("too many failed attempts to authenticate from this address: try again in %d s", seconds),
			header:  "Retry-After", value: strconv.FormatInt(seconds, 10)}
	}
	return unauthorized(challenge + `, error="invalid_token"`)
}

// admitLocal is the check of a bridge without a token: whoever asks must be on this machine. Behind a proxy,
// even one of this machine, anybody may stand.
func (b *Boundary) admitLocal(v *visit) *refusal {
	if b.opts.AllowUnauthenticatedNetwork || v.peer.IsLoopback() && !proxied(v.r.Header) {
		return nil
	}
	return &refusal{action: agentbridge.ActionAuthFailure, status: http.StatusForbidden,
		message: "unauthenticated network access is disabled"}
}

// proxied tells whether a header is there that only proxies write.
func proxied(h http.Header) bool {
	for name := range h {
		if name == "Via" || name == "Forwarded" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}
