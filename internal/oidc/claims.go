// This file reads what a token says. Its signature is right by now, so that the issuer says it; what is left to
// find out is whether it says it to us.

package oidc

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"agentbridge"
)

const maxSubject = 255 // bytes (OpenID Connect Core 1.0 §2)

// claims are kept as they were written: unlike the fields of a struct, their names differ by case, and who
// chooses what "ROLES" holds does not choose "roles".
type claims map[string]json.RawMessage

// identity checks all claims.
func (v *Verifier) identity(c claims, now time.Time) (Identity, error) {
	expires, ok := c.time("exp")
	subject, named := c.text("sub")
	if !ok || !named || len(subject) > maxSubject || strings.ContainsFunc(subject, unicode.IsControl) {
		return Identity{}, errWrong
	}
	if issuer, _ := c.text("iss"); issuer != v.opts.Issuer || !c.isAccess() || !c.isFor(v.opts.Audiences) {
		return Identity{}, errWrong
	}
	// At its end there is no patience: whoever it admitted is sent away at that moment.
	if begins, given := c.time("nbf"); !now.Before(expires) || given && now.Add(skew).Before(begins) || c.has("nbf") && !given {
		return Identity{}, errWrong
	}
	name, ok := c.text(v.opts.NameClaim)
	if !ok {
		return Identity{}, errWrong
	}
	roles := rolesOf(c.words(v.opts.RolesClaim))
	if len(roles) == 0 {
		return Identity{}, errRight
	}
	scopes, err := c.scopes()
	if err != nil {
		return Identity{}, err
	}
	return Identity{v.opts.Issuer + "#" + subject, name, roles, scopes, expires}, nil
}

// isAccess tells an access token from an ID token, a refresh token and others that an issuer signs with the same
// keys. An ID token is for a client, and every site that its user signs in to gets one.
func (c claims) isAccess() bool {
	for _, name := range []string{"nonce", "at_hash", "c_hash", "s_hash", "events"} { // of ID and logout tokens only
		if c.has(name) {
			return false
		}
	}
	for _, name := range []string{"typ", "token_use"} { // Keycloak's and Cognito's word for it
		if kind, _ := c.text(name); c.has(name) && !slices.Contains([]string{"bearer", "jwt", "at+jwt", "access"}, strings.ToLower(kind)) {
			return false
		}
	}
	return true
}

func (c claims) isFor(audiences []string) bool {
	one, _ := c.text("aud")
	var several []string
	if one == "" && json.Unmarshal(c["aud"], &several) != nil {
		return false
	}
	return slices.ContainsFunc(append(several, one), func(a string) bool { return slices.Contains(audiences, a) })
}

func (c claims) has(name string) bool { return c[name] != nil }

// text is a claim that must be text and not empty.
func (c claims) text(name string) (s string, ok bool) {
	err := json.Unmarshal(c[name], &s)
	return s, err == nil && s != ""
}

// time is a claim in seconds since 1970, within the times that we can count.
func (c claims) time(name string) (time.Time, bool) {
	var seconds *float64
	if json.Unmarshal(c[name], &seconds) != nil || seconds == nil || *seconds < 0 || *seconds > 1e11 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(*seconds * 1000)), true
}

// words is a claim that holds words: a list of texts, or a text with spaces or commas between.
func (c claims) words(name string) []string {
	raw := c.find(name)
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
}

// find returns a claim by its name, or what its dots lead to.
func (c claims) find(name string) json.RawMessage {
	if c.has(name) {
		return c[name]
	}
	first, rest, dots := strings.Cut(name, ".")
	var inner claims
	if !dots || json.Unmarshal(c[first], &inner) != nil {
		return nil
	}
	return inner.find(rest)
}

// rolesOf leaves out what is no role of ours: the issuer serves others too.
func rolesOf(words []string) (roles []agentbridge.AccessRole) {
	for _, w := range words {
		r, err := agentbridge.ParseAccessRole("", strings.TrimPrefix(w, agentbridge.Service+":"))
		if err == nil && !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	return roles
}

// scopes are those of the two claims that may hold some; if there are none the roles alone count.
func (c claims) scopes() ([]agentbridge.Scope, error) {
	var words []string
	for _, name := range []string{"scope", "scp"} {
		some, ok := c.scopeWords(name)
		if !ok {
			return nil, errScope
		}
		words = append(words, some...)
	}
	return scopesOf(words)
}

// scopeWords is a claim that holds scopes: a text with white space or commas between, or a list of texts. Null is
// as good as none. Whatever else is there was meant to bound something, and is not ok.
func (c claims) scopeWords(name string) (words []string, ok bool) {
	var claim any
	if c.has(name) && json.Unmarshal(c[name], &claim) != nil {
		return nil, false
	}
	switch claim := claim.(type) {
	case nil:
		return nil, true
	case string:
		return strings.FieldsFunc(claim, func(r rune) bool { return unicode.IsSpace(r) || r == ',' }), true
	case []any:
		for _, one := range claim {
			text, ok := one.(string)
			if !ok {
				return nil, false
			}
			words = append(words, strings.Fields(text)...)
		}
		return words, true
	}
	return nil, false
}

// aVerb is where a word that is no scope of ours looks like one: a verb at its beginning or behind anything but a
// letter or digit, in any case.
var aVerb = regexp.MustCompile(`(?i)(^|[^\pL\pN])(read|send|write|clear):`)

// scopesOf leaves out what is no scope of ours; if nothing is left the roles alone count. What looks like one of
// ours and can't be read was meant to bound something, and so is refused.
func scopesOf(words []string) (scopes []agentbridge.Scope, err error) {
	for _, w := range words {
		w = strings.TrimPrefix(w, agentbridge.Service+":")
		if !aVerb.MatchString(w) {
			continue
		}
		one, err := agentbridge.ParseScopes("scope", w)
		if err != nil || len(one) != 1 || len(scopes) >= agentbridge.MaxScopes {
			return nil, errScope
		}
		if !slices.Contains(scopes, one[0]) {
			scopes = append(scopes, one[0])
		}
	}
	if len(scopes) == 0 {
		scopes = agentbridge.Local().Scopes
	}
	return scopes, nil
}
