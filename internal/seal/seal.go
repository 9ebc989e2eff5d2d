// Package seal encrypts message bodies with keys from a file. It knows no
// messages and no store.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"agentbridge"
)

// Ring is the keys of a key file. Its methods are safe for concurrent use, and
// several processes may hold a Ring of the same file: one that meets a key it
// does not know reads the file again.
type Ring struct {
	path string

	mu     sync.Mutex // guards what follows
	keys   map[string]cipher.AEAD
	newest string
}

// New returns the ring of a key file, which is read when it is needed.
func New(path string) *Ring { return &Ring{path: path} }

// Format keeps the keys out of everything that fmt writes, MarshalText out of
// JSON and out of logs.
func (r *Ring) Format(s fmt.State, _ rune)   { _, _ = io.WriteString(s, r.String()) }
func (r *Ring) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r *Ring) String() string               { return "keys of " + r.path }

// Path is the key file's.
func (r *Ring) Path() string { return r.path }

// Load reads the key file again.
func (r *Ring) Load() error {
	file, err := readFile(r.path)
	if err != nil {
		return err
	}
	keys := make(map[string]cipher.AEAD, len(file.keys))
	for _, k := range file.keys {
		if keys[k.id], err = newAEAD(k.secret); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys, r.newest = keys, file.keys[len(file.keys)-1].id
	return nil
}

// Create makes the key file with one new key if there is none, and loads it. Of
// several processes that make it at once all get the same key.
func (r *Ring) Create() error {
	if err := create(r.path); err != nil {
		return err
	}
	return r.Load()
}

// KeyID names the newest key, "" as long as nothing has been loaded.
func (r *Ring) KeyID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest
}

// Keys names all keys that have been loaded.
func (r *Ring) Keys() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Seal encrypts plain, so that it opens only with the key of this name and
// beside the same context. A key is good for 2^32 calls, because nonces are
// random (NIST SP 800-38D, 8.3); at a thousand a second that is seven weeks.
func (r *Ring) Seal(keyID string, plain, context []byte) ([]byte, error) {
	aead, err := r.key(keyID)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, context), nil
}

// Open decrypts what Seal made with the key of this name beside the same context.
func (r *Ring) Open(keyID string, sealed, context []byte) ([]byte, error) {
	aead, err := r.key(keyID)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, context)
	if err != nil {
		return nil, errors.New("it was changed, or moved, or encrypted with another key of the same name")
	}
	return plain, nil
}

// key returns a key, if need be from the file as it is now.
func (r *Ring) key(id string) (cipher.AEAD, error) {
	if k := r.loaded(id); k != nil {
		return k, nil
	}
	if err := r.Load(); err != nil {
		return nil, err
	}
	if k := r.loaded(id); k != nil {
		return k, nil
	}
	return nil, unusable(r.path, "it does not hold the key %q, with which messages were encrypted; restore the file, or name the right one with --encryption-key", inert(id))
}

func (r *Ring) loaded(id string) cipher.AEAD {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[id]
}

func newAEAD(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// idOf is the name of a key: what tells it from others and gives nothing away.
func idOf(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:4])
}

// inert is a key's name as it stands in a database, where anybody may have put
// anything.
func inert(id string) string { return agentbridge.InertLine(agentbridge.Preview(id, 20)) }
