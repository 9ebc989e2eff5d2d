package wire

import (
	"context"
	"net/http"
)

// This file is about the header WWW-Authenticate (RFC 6750 §3). The boundary
// knows what stands in it; refusals are written in several places.

// BareChallenge asks for a credential and says nothing of where to get one.
const BareChallenge = `Bearer realm="agentbridge"`

// What a challenge can say is wrong.
const (
	InvalidToken      = "invalid_token"      // the credential admits to nothing
	InsufficientScope = "insufficient_scope" // it does, but not to this
)

type challengeKey struct{}

// WithChallenge returns a context of a request whose refusals ask for
// credentials with this challenge instead of BareChallenge.
func WithChallenge(ctx context.Context, challenge string) context.Context {
	return context.WithValue(ctx, challengeKey{}, challenge)
}

// SetChallenge asks for credentials in the answer to the request whose context
// it gets. What is wrong with those that it came with is one of the constants
// above, "" if there were none.
func SetChallenge(ctx context.Context, h http.Header, wrong string) {
	challenge, ok := ctx.Value(challengeKey{}).(string)
	if !ok {
		challenge = BareChallenge
	}
	if wrong != "" {
		challenge += `, error="` + wrong + `"`
	}
	h.Set("WWW-Authenticate", challenge)
}
