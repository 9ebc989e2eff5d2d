// This file asks who a request comes from. Of the shared token it keeps only the digest.

package boundary

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

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

// known tells whether there are credentials at all.
func (b *Boundary) known() bool {
	return b.opts.Token != "" || b.opts.RequireToken || b.opts.Authenticator != nil && b.opts.Authenticator.AuthRequired()
}

// required tells whether nobody comes in without a credential.
func (b *Boundary) required() bool {
	return b.opts.Token != "" || b.opts.RequireToken || !b.opts.AllowUnauthenticatedNetwork && b.known()
}

// authenticate admits who may go on, and notes who it is. Where nobody has a credential one means nothing;
// otherwise whoever offers one is asked for the right one, even where none is needed.
func (b *Boundary) authenticate(v *visit) *refusal {
	switch {
	case !v.protected:
		return nil
	case !b.known():
		return b.admitLocal(v)
	case v.path == sessionPath && v.r.Method == http.MethodDelete: // whoever has the cookie may give it up
		return nil
	}
	if credential, given := bearer(v.r.Header.Values("Authorization")); given {
		return b.tryCredential(v, credential)
	}
	if minting := v.path == sessionPath && v.r.Method == http.MethodPost; !minting { // or a stolen cookie would live for ever
		if v.session = b.sessions.find(cookies(v.r)); v.session != nil {
			v.who = v.session.who
			return nil
		}
	}
	if b.required() {
		return b.unauthorized(v, "")
	}
	v.who = agentbridge.Local()
	return nil
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

// tryCredential admits whom a credential does. From an address that has guessed too often it is not even
// looked at, unless it is one that nobody can guess: or whoever is on this machine, or behind the same address,
// could lock out all agents there.
func (b *Boundary) tryCredential(v *visit, credential string) *refusal {
	if wait := b.attempts.exhausted(v.client); wait > 0 && !isAPIToken(credential) {
		return tooMany(wait)
	}
	who, means, err := b.identify(v.r.Context(), credential)
	right := err == nil || agentbridge.CodeOf(err) == agentbridge.Forbidden
	if !right && !isWrong(err) {
		return &refusal{status: http.StatusServiceUnavailable, fault: err, header: "Retry-After", value: "5",
			message: "credentials can't be checked at the moment: try again in 5 s"}
	}
	switch verdict, wait := b.attempts.judge(v.client, means, right); {
	case verdict == limited:
		return tooMany(wait)
	case verdict == wrong:
		return b.unauthorized(v, wire.InvalidToken)
	case err != nil:
		return b.insufficient(v, err)
	}
	v.who, v.bearer = who, true
	return nil
}

// isAPIToken tells whether a credential has the form of an agent's token. To look one up is cheap.
func isAPIToken(credential string) bool {
	return len(credential) == agentbridge.APITokenLength && strings.HasPrefix(credential, agentbridge.APITokenPrefix)
}

// errWrong is a credential that nobody knows.
var errWrong = agentbridge.Refuse(agentbridge.Unauthenticated, "", "unknown credential")

func isWrong(err error) bool {
	code := agentbridge.CodeOf(err)
	return code == agentbridge.Unauthenticated || code == agentbridge.Expired
}

// identify returns who holds a credential. It compares digests, so that the time it takes tells nothing about
// the shared token.
func (b *Boundary) identify(ctx context.Context, credential string) (agentbridge.Principal, means, error) {
	digest := sha256.Sum256([]byte(credential))
	if b.opts.Token != "" && subtle.ConstantTimeCompare(digest[:], b.token[:]) == 1 {
		return agentbridge.Local(), shared, nil
	}
	if credential == "" || b.opts.Authenticator == nil {
		return agentbridge.Principal{}, personal, errWrong
	}
	who, err := b.opts.Authenticator.Authenticate(ctx, credential)
	if err == nil {
		err = who.Ended() // just now
	}
	return who, personal, err
}

// unauthorized is the one answer to whoever comes without a credential that admits; why it does not is for
// nobody to know. A challenge tells clients only whether they sent one.
func (b *Boundary) unauthorized(v *visit, wrong string) *refusal {
	return &refusal{action: agentbridge.ActionAuthFailure, status: http.StatusUnauthorized, message: "unauthorized",
		header: "WWW-Authenticate", value: b.challenge(v, wrong)}
}

func (b *Boundary) insufficient(v *visit, err error) *refusal {
	message := "this credential admits to nothing here; ask the bridge's operator for a role"
	if e, ok := errors.AsType[*agentbridge.Error](err); ok {
		message = e.Message
	}
	return &refusal{action: agentbridge.ActionAuthFailure, status: http.StatusForbidden, message: message,
		header: "WWW-Authenticate", value: b.challenge(v, wire.InsufficientScope)}
}

func tooMany(wait time.Duration) *refusal {
	seconds := int64((wait + time.Second - 1) / time.Second)
	return &refusal{action: agentbridge.ActionAuthFailure, status: http.StatusTooManyRequests,
		message: fmt.Sprintf("too many failed attempts to authenticate from this address: try again in %d s", seconds),
		header:  "Retry-After", value: strconv.FormatInt(seconds, 10)}
}

// admitLocal is the check of a bridge that asks for no credential: whoever asks must be on this machine.
// Behind a proxy, even one of this machine, anybody may stand.
func (b *Boundary) admitLocal(v *visit) *refusal {
	if b.opts.AllowUnauthenticatedNetwork || v.peer.IsLoopback() && !proxied(v.r.Header) {
		v.who = agentbridge.Local()
		v.anonymous = b.opts.Authenticator != nil && !b.opts.AllowUnauthenticatedNetwork
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
