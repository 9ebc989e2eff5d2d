// Package oidc says who holds an access token of an OpenID Connect provider. It promises to believe nothing
// that the one configured issuer has not signed for this bridge, to ask that issuer seldom and with bounds, and
// to repeat neither a token nor an answer of the issuer in any error. Who may do what here is for others to
// decide.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"agentbridge"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Options of a Verifier.
type Options struct {
	// Issuer is the provider's URL, letter for letter as its tokens name it. It is https, or http on this machine.
	Issuer string
	// Audiences are the names of this bridge, one of which a token must be for.
	Audiences []string
	// NameClaim is the claim that names the agent; default "sub".
	NameClaim string
	// RolesClaim is the claim that holds roles; default "roles". If there is no claim of this name, its dots lead
	// into objects: realm_access.roles.
	RolesClaim string
	// HTTPClient is how the issuer is reached; nil: directly. Of it the transport is used.
	HTTPClient *http.Client
}

// Identity is who holds a token, as its issuer says.
type Identity struct {
	Subject string // who it is for the issuer, for ever: the issuer's URL, "#" and its "sub"
	Name    string // what it is called, not checked
	Roles   []agentbridge.AccessRole
	Scopes  []agentbridge.Scope // all channels, if the token holds none of ours
	Expires time.Time
}

const (
	maxToken = 16 << 10 // bytes; a header of the server holds 32 KiB
	skew     = 30 * time.Second
)

// algorithms are those of signatures that only the issuer can make. "none" and those with a shared key are not
// among them.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// Verifier checks tokens. Its methods are safe for concurrent use.
type Verifier struct {
	opts Options
	keys *keys
}

// New returns a Verifier. It asks the issuer nothing yet, which may be down.
func New(o Options) (*Verifier, error) {
	if err := CheckIssuer(o.Issuer); err != nil {
		return nil, err
	}
	if len(o.Audiences) == 0 || slices.Contains(o.Audiences, "") {
		return nil, errors.New("an audience is needed: the name under which the issuer knows this bridge")
	}
	if o.NameClaim == "" {
		o.NameClaim = "sub"
	}
	if o.RolesClaim == "" {
		o.RolesClaim = "roles"
	}
	return &Verifier{o, newKeys(o.Issuer, newFetcher(o.HTTPClient))}, nil
}

// CheckIssuer tells whether s can be Options.Issuer.
func CheckIssuer(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(s, "?#") {
		return fmt.Errorf("%q is not the URL of an issuer: write https://host, perhaps with a path", s)
	}
	if !secure(u) {
		return fmt.Errorf("%q is not https: whoever is on the way could forge tokens", s)
	}
	return nil
}

// secure tells whether nobody on the way can change what is read from a URL.
func secure(u *url.URL) bool {
	switch u.Scheme {
	case "https":
		return true
	case "http":
		ip := net.ParseIP(u.Hostname())
		return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	return false
}

// Prepare fetches the issuer's keys, so that the first token need not wait for them, and tells why if it can't.
func (v *Verifier) Prepare(ctx context.Context) error { return v.keys.prepare(ctx) }

// IsToken tells whether a credential looks like a token of this kind: a signed JWT in three parts.
func IsToken(credential string) bool {
	head, rest, _ := strings.Cut(credential, ".")
	body, signature, ok := strings.Cut(rest, ".")
	return ok && strings.HasPrefix(head, "eyJ") && isBase64(head) && isBase64(body) && isBase64(signature)
}

func isBase64(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

var (
	errWrong = agentbridge.Refuse(agentbridge.Unauthenticated, "", "the access token does not admit here; get a new one from the issuer for this bridge")
	errRight = agentbridge.Refuse(agentbridge.Forbidden, "", "the access token holds no role of this bridge; ask whoever administers the issuer for one")
	errScope = agentbridge.Refuse(agentbridge.Forbidden, "", "the access token holds a scope of this bridge that can't be read; write read:, send: or clear: and the names of channels, as in send:payments:*")
)

// Verify returns who holds a token. What the issuer has not signed for this bridge and for now is refused as
// Unauthenticated, whatever is wrong with it; a token that is right and gives no right as Forbidden. Any other
// error is a fault: the issuer can't be asked.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	if len(token) > maxToken || !IsToken(token) {
		return Identity{}, errWrong
	}
	// One set for one token: it remembers what the library's error does not tell.
	set := &set{keys: v.keys}
	verifier := oidc.NewVerifier(v.opts.Issuer, set, &oidc.Config{
		SupportedSigningAlgs: algorithms,
		SkipClientIDCheck:    true, // claims.go looks at audiences and times
		SkipExpiryCheck:      true,
	})
	checked, err := verifier.Verify(ctx, token)
	if set.fault != nil {
		return Identity{}, set.fault
	}
	if err != nil {
		return Identity{}, errWrong
	}
	var c claims
	if checked.Claims(&c) != nil {
		return Identity{}, errWrong
	}
	return v.identity(c, time.Now())
}
