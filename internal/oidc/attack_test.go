package oidc_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge/internal/oidc"

	"github.com/go-jose/go-jose/v4"
)

func part(v any) string {
	text, ok := v.(string)
	if !ok {
		text = string(must(json.Marshal(v)))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// hmac signs with a secret that everybody knows.
func hmac(secret []byte, id string, claims any) string {
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, (&jose.SignerOptions{}).WithHeader("kid", id)))
	return must(must(signer.Sign(must(json.Marshal(claims)))).CompactSerialize())
}

// Mallory may have any key but the issuer's, any token of another issuer and any other token of this one.
func TestVerify_attacks(t *testing.T) {
	i, key := newIssuer(t)
	other, foreign := newIssuer(t)
	rs, mallory := newPair("rsa", jose.RS256), newPair("key-1", jose.ES256)
	swapped := pair{"rsa", jose.RS256, must(rsa.GenerateKey(rand.Reader, 2048))}
	weak := pair{"weak", jose.RS256, must(rsa.GenerateKey(rand.Reader, 1024))}
	sealing := newPair("sealing", jose.ES256)
	sealed := sealing.public()
	sealed["use"] = "enc"
	secret := []byte(strings.Repeat("s", 32))
	i.publish(key.public(), rs.public(), weak.public(), sealed, object{"kty": "oct", "kid": "shared", "k": base64.RawURLEncoding.EncodeToString(secret)},
		object{"kty": "OKP", "crv": "Ed448", "kid": "unheard", "x": "AAAA"}, "no key at all", 7)
	// What Mallory's headers point to gives her keys, if anybody goes there.
	var lured atomic.Int32
	trap := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lured.Add(1)
		_ = json.NewEncoder(w).Encode(object{"keys": []any{mallory.public()}})
	}))
	t.Cleanup(trap.Close)

	good := i.claims(nil)
	signed := key.sign(nil, good)
	head, rest, _ := strings.Cut(signed, ".")
	body, signature, _ := strings.Cut(rest, ".")
	der := must(x509.MarshalPKIXPublicKey(rs.private.Public()))
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	with := func(changes object) string { return key.sign(nil, i.claims(changes)) }

	for name, token := range map[string]string{
		"empty":                          "",
		"garbage":                        "garbage",
		"two parts":                      head + "." + body,
		"four parts":                     signed + "." + signature,
		"padded":                         signed + "=",
		"with a line end":                signed + "\n",
		"five parts, encrypted":          head + ".a.b.c.d",
		"JSON instead of compact":        `{"payload":"` + body + `","protected":"` + head + `","signature":"` + signature + `"}`,
		"no JSON within":                 part(`{"alg":"ES256","kid":"key-1"}`) + "." + part("x") + "." + signature,
		"header that is no JSON":         "eyJ4." + body + "." + signature,
		"huge":                           with(object{"x": strings.Repeat("x", 20<<10)}),
		"alg none":                       part(object{"alg": "none", "typ": "JWT"}) + "." + part(good) + ".",
		"alg none, with a signature":     part(object{"alg": "none", "kid": "key-1"}) + "." + part(good) + "." + signature,
		"alg None":                       part(object{"alg": "None", "kid": "key-1"}) + "." + part(good) + "." + signature,
		"HS256 with the public key":      hmac(public, "rsa", good),
		"HS256 with its DER":             hmac(der, "rsa", good),
		"HS256 with a published key":     hmac(secret, "shared", good),
		"no signature":                   head + "." + body + ".",
		"another's signature":            head + "." + body + "." + part("x"),
		"other claims, same signature":   head + "." + part(i.claims(object{"roles": []string{"admin"}})) + "." + signature,
		"Mallory's key, the issuer's id": mallory.sign(nil, good),
		"RSA key swapped":                swapped.sign(nil, good),
		"RSA key of 1024 bits":           weak.sign(nil, good),
		"key for encryption":             sealing.sign(nil, good),
		"key for another algorithm":      pair{"rsa", jose.PS256, rs.private}.sign(nil, good),
		"unknown kid":                    key.sign(object{"kid": "key-2"}, good),
		"kid of another kind of key":     key.sign(object{"kid": "rsa"}, good),
		"kid of another issuer":          foreign.sign(object{"kid": "theirs"}, good),
		"another issuer's":               foreign.sign(nil, other.claims(nil)),
		"kid is a path":                  mallory.sign(object{"kid": "../../../../dev/null"}, good),
		"kid is SQL":                     mallory.sign(object{"kid": "' UNION SELECT 'x'--"}, good),
		"jku to Mallory":                 mallory.sign(object{"jku": trap.URL}, good),
		"x5u to Mallory":                 mallory.sign(object{"x5u": trap.URL}, good),
		"jwk of Mallory":                 mallory.sign(object{"jwk": mallory.public()}, good),
		"jwk of Mallory, another kid":    mallory.sign(object{"kid": "mine", "jwk": mallory.public(), "jku": trap.URL, "x5u": trap.URL}, good),
		"unknown crit":                   key.sign(object{"crit": []string{"exp"}, "exp": 1}, good),
		"typ of an ID token":             key.sign(object{"typ": "id_token"}, good),
		"typ of a logout token":          key.sign(object{"typ": "logout+jwt"}, good),
		"typ of a DPoP proof":            key.sign(object{"typ": "dpop+jwt"}, good),
		"typ is no text":                 key.sign(object{"typ": 7}, good),

		"wrong iss":             with(object{"iss": "https://evil.example"}),
		"iss with a slash more": with(object{"iss": i.url + "/"}),
		"no iss":                with(object{"iss": nil}),
		"iss by another case":   with(object{"iss": nil, "ISS": i.url}),
		"wrong aud":             with(object{"aud": "https://other.example"}),
		"no aud":                with(object{"aud": nil}),
		"empty aud":             with(object{"aud": ""}),
		"aud of nobody":         with(object{"aud": []string{}}),
		"aud begins like ours":  with(object{"aud": audience + ".evil.example"}),
		"aud of others":         with(object{"aud": []string{"a", "b"}}),
		"aud is no text":        with(object{"aud": []any{7, audience}}),
		"aud by another case":   with(object{"aud": nil, "AUD": audience}),
		"expired":               with(object{"exp": at(-time.Second)}),
		"expired long ago":      with(object{"exp": 1}),
		"no exp":                with(object{"exp": nil}),
		"exp null":              i.raw(key, `null`),
		"exp is text":           with(object{"exp": "9999999999"}),
		"exp beyond all times":  i.raw(key, `1e300`),
		"exp below all times":   i.raw(key, `-1e300`),
		"exp by another case":   with(object{"exp": at(-time.Hour), "EXP": at(time.Hour)}),
		"not yet valid":         with(object{"nbf": at(2 * time.Minute)}),
		"nbf is text":           with(object{"nbf": "1"}),
		"no sub":                with(object{"sub": nil}),
		"empty sub":             with(object{"sub": ""}),
		"sub is a number":       with(object{"sub": 7}),
		"sub with a line end":   with(object{"sub": "a\nb"}),
		"endless sub":           with(object{"sub": strings.Repeat("x", 256)}),
		"nonce":                 with(object{"nonce": "n"}),
		"at_hash":               with(object{"at_hash": "h"}),
		"c_hash":                with(object{"c_hash": "h"}),
		"logout event":          with(object{"events": object{"http://schemas.openid.net/event/backchannel-logout": object{}}}),
		"Keycloak's ID token":   with(object{"typ": "ID"}),
		"Keycloak's refresh":    with(object{"typ": "Refresh"}),
		"Cognito's ID token":    with(object{"token_use": "id"}),
	} {
		t.Run(name, func(t *testing.T) { want(t, i.verifier(t), token, wrong) })
	}
	if n := lured.Load(); n > 0 {
		t.Errorf("a token led to another place %d times", n)
	}
	want(t, i.verifier(t), signed, admitted)
	want(t, i.verifier(t), rs.sign(nil, good), admitted)
}

// raw is a token whose exp is any JSON.
func (i *issuer) raw(p pair, exp string) string {
	c := i.claims(object{"exp": "EXP"})
	text := bytes.Replace(must(json.Marshal(c)), []byte(`"EXP"`), []byte(exp), 1)
	return p.sign(nil, json.RawMessage(text))
}

// An issuer that is down, slow or somebody else is a fault: it says nothing about the token. What it answers is
// in no error.
func TestVerify_brokenIssuer(t *testing.T) {
	const leak = "LEAKED"
	mallory := newPair("key-1", jose.ES256)
	var lured atomic.Int32
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lured.Add(1)
		_ = json.NewEncoder(w).Encode(object{"issuer": "x", "jwks_uri": "x", "keys": []any{mallory.public()}})
	}))
	t.Cleanup(elsewhere.Close)
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to+r.URL.Path, http.StatusFound) }
	}
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); w.Write([]byte(body)) }
	}
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		metadata object
		keys     []any
	}{
		"error":                        {answer: say(500, leak)},
		"not there":                    {answer: say(404, leak)},
		"no JSON":                      {answer: say(200, leak)},
		"a list":                       {answer: say(200, `["`+leak+`"]`)},
		"nothing":                      {answer: say(200, "")},
		"hangs up":                     {answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"redirects elsewhere":          {answer: redirect(elsewhere.URL)},
		"redirects to plain http":      {answer: func(w http.ResponseWriter, r *http.Request) { redirect("http://"+r.Host)(w, r) }},
		"redirects in circles":         {answer: redirect("")},
		"of another issuer":            {metadata: object{"issuer": "https://evil.example"}},
		"of no issuer":                 {metadata: object{"issuer": nil}},
		"keys at no place":             {metadata: object{"jwks_uri": nil}},
		"keys in a file":               {metadata: object{"jwks_uri": "file:///etc/passwd"}},
		"keys at plain http":           {metadata: object{"jwks_uri": "http://issuer.example/keys"}},
		"keys at plain http, loopback": {metadata: object{"jwks_uri": "http://127.0.0.1:1/keys"}},
		"no keys":                      {keys: []any{}},
		"keys of no use":               {keys: []any{object{"kty": "oct", "kid": "key-1", "k": "AAAA"}}},
		"endless metadata":             {answer: endless(`{"issuer":"`)},
	} {
		t.Run(name, func(t *testing.T) {
			i, key := newIssuer(t)
			i.become(c.answer)
			for k, v := range c.metadata {
				i.metadata[k] = v
			}
			if c.keys != nil {
				i.publish(c.keys...)
			}
			v := i.verifier(t)
			token := key.sign(nil, i.claims(nil))
			want(t, v, token, fault)
			want(t, v, mallory.sign(nil, i.claims(nil)), fault)
			_, err := v.Verify(t.Context(), token)
			if strings.Contains(err.Error(), leak) || strings.Contains(err.Error(), token) {
				t.Errorf("the error repeats what it should not: %v", err)
			}
			if err := v.Prepare(t.Context()); err == nil {
				t.Error("Prepare says nothing of it")
			}
			want(t, v, "garbage", wrong) // which nobody has to be asked about
		})
	}
	if n := lured.Load(); n > 0 {
		t.Errorf("it followed to another host %d times", n)
	}
}

// endless answers with 100 MB.
func endless(begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(begin))
		block := bytes.Repeat([]byte("x"), 64<<10)
		for range 1600 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
}

// A hundred megabytes of keys are not read to their end.
func TestVerify_endlessKeys(t *testing.T) {
	i, key := newIssuer(t)
	var stopped atomic.Bool
	i.metadata["jwks_uri"] = i.url + "/endless"
	i.become(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/endless" {
			_ = json.NewEncoder(w).Encode(i.metadata)
			return
		}
		endless(`{"keys":[],"x":"`)(w, r)
		_, err := w.Write([]byte("x"))
		stopped.Store(err != nil)
	})
	want(t, i.verifier(t), key.sign(nil, i.claims(nil)), fault)
	i.http.CloseIdleConnections()
	for deadline := time.Now().Add(5 * time.Second); !stopped.Load(); { // the server notices when it likes
		if time.Now().After(deadline) {
			t.Fatal("100 MB were taken")
		}
	}
}

func TestVerify_down(t *testing.T) {
	i, key := newIssuer(t)
	token := key.sign(nil, i.claims(nil))
	i.http = &http.Client{Transport: &http.Transport{}} // that does not trust its certificate
	want(t, i.verifier(t), token, fault)
	v := i.verifier(t, func(o *oidc.Options) {
		o.HTTPClient = nil
		o.Issuer = "http://127.0.0.1:1"
	})
	want(t, v, token, fault)
}

func TestNew_refuses(t *testing.T) {
	for _, s := range []string{"", "issuer.example", "http://issuer.example", "ftp://issuer.example", "https://", "https://u:p@issuer.example",
		"https://issuer.example?x=1", "https://issuer.example#x", "https://issuer.example?", "http://127.0.0.1.example", "http://localhost.example", ":"} {
		if _, err := oidc.New(oidc.Options{Issuer: s, Audiences: []string{audience}}); err == nil {
			t.Errorf("the issuer %q is accepted", s)
		}
	}
	for _, s := range []string{"https://issuer.example", "https://issuer.example/realms/x", "https://issuer.example:8443/", "http://127.0.0.1:8080", "http://[::1]:8080/a", "http://localhost"} {
		if _, err := oidc.New(oidc.Options{Issuer: s, Audiences: []string{audience}}); err != nil {
			t.Errorf("the issuer %q is refused: %v", s, err)
		}
	}
	for _, list := range [][]string{nil, {""}, {audience, ""}} {
		if _, err := oidc.New(oidc.Options{Issuer: "https://issuer.example", Audiences: list}); err == nil {
			t.Errorf("the audiences %q are accepted: every token would do", list)
		}
	}
}

func TestIsToken(t *testing.T) {
	key := newPair("k", jose.ES256)
	for s, is := range map[string]bool{
		key.sign(nil, object{}): true, "eyJ.a.b": true,
		"": false, "eyJ": false, "eyJ.a": false, "eyJ.a.": false, "eyJ..b": false, "eyJ.a.b.c": false, "a.b.c": false, "eyJ+.a.b": false, "eyJ.a.b=": false, " eyJ.a.b": false,
		"abr_api_eyJ.a.b": false,
	} {
		if oidc.IsToken(s) != is {
			t.Errorf("IsToken(%q) = %t", s, !is)
		}
	}
}
