package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/oidc"

	"github.com/go-jose/go-jose/v4"
)

const audience = "https://bridge.example"

type object = map[string]any

// pair is a key of an issuer and how it is used.
type pair struct {
	id      string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newPair(id string, alg jose.SignatureAlgorithm) pair {
	switch alg {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512:
		return pair{id, alg, rsaKey()}
	case jose.ES384:
		return pair{id, alg, must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))}
	case jose.ES512:
		return pair{id, alg, must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))}
	case jose.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return pair{id, alg, must(private, err)}
	}
	return pair{id, alg, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
}

// public is the key as an issuer publishes it.
func (p pair) public() object {
	text := must(json.Marshal(jose.JSONWebKey{Key: p.private.Public(), KeyID: p.id, Algorithm: string(p.alg), Use: "sig"}))
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		panic(err)
	}
	return o
}

// sign makes a token with these headers besides the id of the key; a nil value leaves one out.
func (p pair) sign(headers object, claims any) string {
	o := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"kid": p.id, "typ": "at+jwt"}}
	for name, value := range headers {
		if o.ExtraHeaders[jose.HeaderKey(name)] = value; value == nil {
			delete(o.ExtraHeaders, jose.HeaderKey(name))
		}
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.private}, o))
	return must(must(signer.Sign(must(json.Marshal(claims)))).CompactSerialize())
}

// issuer is a provider of which everything can be changed.
type issuer struct {
	url  string
	http *http.Client

	mu       sync.Mutex // guards the fields below
	keys     []any
	metadata object
	asked    int              // how often for its keys
	answer   http.HandlerFunc // in place of both documents; nil for none
}

// newIssuer has one key and answers over TLS.
func newIssuer(t *testing.T) (*issuer, pair) {
	i := &issuer{}
	server := httptest.NewUnstartedServer(i)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // of clients that don't trust it
	server.StartTLS()
	t.Cleanup(server.Close)
	i.url, i.http = server.URL, server.Client()
	return i, i.begin()
}

// newSilentIssuer answers without a network, for tests on the bubble's clock.
func newSilentIssuer() (*issuer, pair) {
	i := &issuer{url: "https://issuer.example"}
	i.http = &http.Client{Transport: wireless{i}}
	return i, i.begin()
}

func (i *issuer) begin() pair {
	p := newPair("key-1", jose.ES256)
	i.publish(p.public())
	i.metadata = object{"issuer": i.url, "jwks_uri": i.url + "/keys"}
	return p
}

func (i *issuer) publish(keys ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

func (i *issuer) fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// become has it answer otherwise, nil as ever.
func (i *issuer) become(answer http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	answer, metadata, keys := i.answer, i.metadata, i.keys
	if r.URL.Path == "/keys" {
		i.asked++
	}
	i.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case r.URL.Path == "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(metadata)
	case r.URL.Path == "/keys":
		_ = json.NewEncoder(w).Encode(object{"keys": keys})
	default:
		http.NotFound(w, r)
	}
}

// wireless is a transport that ends in a handler.
type wireless struct{ http.Handler }

func (h wireless) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// claims are those of a good token, with changes; a nil value leaves one out.
func (i *issuer) claims(changes object) object {
	c := object{"iss": i.url, "aud": audience, "sub": "user-1", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"roles": []string{"member"}}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	return c
}

func (i *issuer) options() oidc.Options {
	return oidc.Options{Issuer: i.url, Audiences: []string{audience, audience + "/mcp"}, HTTPClient: i.http}
}

func (i *issuer) verifier(t *testing.T, change ...func(*oidc.Options)) *oidc.Verifier {
	t.Helper()
	o := i.options()
	for _, f := range change {
		f(&o)
	}
	v, err := oidc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Outcomes of a verification.
const (
	admitted  = agentbridge.Code("")
	wrong     = agentbridge.Unauthenticated
	powerless = agentbridge.Forbidden
	fault     = agentbridge.Internal // any error that is no refusal
)

// want verifies a token. What is wrong with it must not be told by the error, nor the token.
func want(t *testing.T, v *oidc.Verifier, token string, code agentbridge.Code) oidc.Identity {
	t.Helper()
	id, err := v.Verify(t.Context(), token)
	if got := agentbridge.CodeOf(err); got != code {
		t.Fatalf("got %q (%v), want %q", got, err, code)
	}
	switch {
	case code == wrong && err.Error() != theWrong:
		t.Errorf("the refusal is %q, want the one for all: %q", err, theWrong)
	case code != admitted && fmt.Sprint(id) != fmt.Sprint(oidc.Identity{}):
		t.Errorf("refused, and yet it is %v", id)
	}
	return id
}

const theWrong = "the access token does not admit here; get a new one from the issuer for this bridge"
