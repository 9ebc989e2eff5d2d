// This file keeps the issuer's public keys.

package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	freshTime = 10 * time.Minute // after which keys are fetched again when they are used: one may have been withdrawn
	keepTime  = time.Hour        // for which they are good if that fails; access tokens live no longer
	againTime = 10 * time.Second // between two fetches, whatever strangers send
	maxKeys   = 100
	maxTries  = 4 // keys that are tried on one token
	minRSA    = 2048
)

// keys are the issuer's, fetched when they are needed.
type keys struct {
	issuer string
	fetch  *fetcher

	mu      sync.Mutex // guards the fields below
	list    []jose.JSONWebKey
	got     time.Time     // when list came
	tried   time.Time     // when somebody asked last
	failed  error         // how that ended
	running chan struct{} // closed when the fetch that is on its way ends; nil if none is
}

func newKeys(issuer string, f *fetcher) *keys { return &keys{issuer: issuer, fetch: f} }

func (k *keys) prepare(ctx context.Context) error {
	_, err := k.current(ctx, ctx, func([]jose.JSONWebKey) bool { return false })
	return err
}

// current returns the keys as they are at the issuer; if those at hand are fresh and contain what is looked for,
// then these. Any error is a fault. It asks the issuer at most once in againTime: a key that was not there then
// is not there now. Asking has a context of its own, because others may wait for the answer too.
func (k *keys) current(ctx, asking context.Context, contain func([]jose.JSONWebKey) bool) ([]jose.JSONWebKey, error) {
	for {
		k.mu.Lock()
		now := time.Now()
		age := now.Sub(k.got)
		have := len(k.list) > 0 && age < keepTime && contain(k.list)
		switch {
		case have && age < freshTime, have && k.running != nil, now.Sub(k.tried) < againTime && k.running == nil:
			list, failed := k.list, k.failed
			k.mu.Unlock()
			if !have && failed != nil {
				return nil, failed
			}
			return list, nil
		case k.running == nil:
			k.running, k.tried = make(chan struct{}), now
			k.mu.Unlock()
			k.refresh(asking)
			continue
		}
		running := k.running
		k.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// refresh asks the issuer. What it got before is kept if that fails.
func (k *keys) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	list, err := k.ask(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed = err; err == nil {
		k.list, k.got = list, time.Now()
	}
	close(k.running)
	k.running = nil
}

// ask finds the keys by way of the issuer's metadata (OpenID Connect Discovery 1.0 §4), which may change.
func (k *keys) ask(ctx context.Context) ([]jose.JSONWebKey, error) {
	var provider struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := k.fetch.json(ctx, strings.TrimSuffix(k.issuer, "/")+"/.well-known/openid-configuration", &provider); err != nil {
		return nil, fmt.Errorf("ask the issuer for its metadata: %w", err)
	}
	if provider.Issuer != k.issuer {
		return nil, errors.New("the issuer's metadata is of another issuer; its URL must be the one in the metadata, to the letter")
	}
	if strings.HasPrefix(k.issuer, "https:") && !strings.HasPrefix(provider.Keys, "https:") {
		return nil, errors.New("the issuer's keys are not at an https URL")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.fetch.json(ctx, provider.Keys, &set); err != nil {
		return nil, fmt.Errorf("ask the issuer for its keys: %w", err)
	}
	list := usable(set.Keys)
	if len(list) == 0 {
		return nil, errors.New("the issuer has no keys that could sign a token")
	}
	return list, nil
}

// usable leaves out keys of kinds that we don't know, that are for something else, that are weak, and secret
// ones: whoever publishes one has lost it.
func usable(raw []json.RawMessage) (list []jose.JSONWebKey) {
	for _, text := range raw[:min(len(raw), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(text, &key) != nil || !key.Valid() || key.Use != "" && key.Use != "sig" {
			continue
		}
		switch public := key.Key.(type) {
		case *rsa.PublicKey:
			if public.N.BitLen() < minRSA {
				continue
			}
		case *ecdsa.PublicKey, ed25519.PublicKey:
		default:
			continue
		}
		list = append(list, key)
	}
	return list
}

// set checks the signature of one token. It implements the library's KeySet.
type set struct {
	keys  *keys
	fault error // why it could not be checked, nil if it could
}

// VerifySignature looks for the key by its id and nothing else: a token that brings its own key, or says where
// one can be found, is not heard.
func (s *set) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	allowed := make([]jose.SignatureAlgorithm, 0, len(algorithms))
	for _, a := range algorithms {
		allowed = append(allowed, jose.SignatureAlgorithm(a))
	}
	jws, err := jose.ParseSignedCompact(token, allowed)
	if err != nil || len(jws.Signatures) != 1 || !isAccessType(jws.Signatures[0].Protected) {
		return nil, errWrong
	}
	header := jws.Signatures[0].Protected
	list, err := s.keys.current(ctx, context.WithoutCancel(ctx), func(list []jose.JSONWebKey) bool { return len(matching(list, header)) > 0 })
	if err != nil {
		s.fault = fmt.Errorf("tokens of the issuer can't be checked: %w", err)
		return nil, s.fault
	}
	for _, key := range matching(list, header) {
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errWrong
}

// isAccessType looks at the type in the header (RFC 9068 §2.1). Many issuers say just JWT, or nothing.
func isAccessType(h jose.Header) bool {
	kind, given := h.ExtraHeaders[jose.HeaderType]
	if !given {
		return true
	}
	text, _ := kind.(string)
	switch strings.TrimPrefix(strings.ToLower(text), "application/") {
	case "jwt", "at+jwt":
		return true
	}
	return false
}

// matching are the keys that a token may be signed with: those of its id and, if the key says which, its
// algorithm. A token without an id may be signed with any.
func matching(list []jose.JSONWebKey, h jose.Header) (fits []jose.JSONWebKey) {
	for _, key := range list {
		if (h.KeyID == "" || key.KeyID == h.KeyID) && (key.Algorithm == "" || key.Algorithm == h.Algorithm) && len(fits) < maxTries {
			fits = append(fits, key)
		}
	}
	return fits
}
