// Package token derives the tokens of conversations from one secret key, so
// that nothing in the database admits anybody. It keeps the key's file; it
// knows no conversations and no clocks.
package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"agentbridge"
)

// Key is the master key: 32 random bytes. It has no readable form of its own.
type Key struct{ secret [32]byte }

// LoadKey reads a key file.
func LoadKey(path string) (Key, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("key file: %w", err)
	}
	var k Key
	b, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(b) != len(k.secret) {
		return Key{}, agentbridge.Refuse(agentbridge.Unusable, "", "key file %s: it is damaged (want 64 hex digits); restore it from a backup", path)
	}
	copy(k.secret[:], b)
	return k, nil
}

// LoadOrCreateKey reads a key file, making it with a new key if there is none.
// Of several processes that make it at once all return the same key.
func LoadOrCreateKey(path string) (Key, error) {
	k, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Key{}, fmt.Errorf("make key file: %w", err)
	}
	return LoadKey(path)
}

// createKey writes a complete file beside the path and links it into place: a
// reader sees a whole key or none, and a second creator gets fs.ErrExist.
func createKey(path string) error {
	var secret [32]byte
	rand.Read(secret[:])
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(hex.EncodeToString(secret[:]) + "\n")
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Link(temp.Name(), path)
}

// Derive returns the token of a seat. Raising the generation makes all earlier
// tokens of the conversation worthless.
func (k Key) Derive(c agentbridge.ConversationID, s agentbridge.Seat, generation int64) agentbridge.Token {
	return agentbridge.Token(hex.EncodeToString(k.mac("token", string(c), string(s), strconv.FormatInt(generation, 10))))
}

// Verify tells whether a token is the seat's, in a time that does not depend on
// how much of it is right.
func (k Key) Verify(t agentbridge.Token, c agentbridge.ConversationID, s agentbridge.Seat, generation int64) bool {
	return hmac.Equal([]byte(t), []byte(k.Derive(c, s, generation)))
}

// Fingerprint tells keys apart without giving one away. A database keeps it to
// notice that it was opened with another database's key.
func (k Key) Fingerprint() string { return hex.EncodeToString(k.mac("fingerprint")[:8]) }

// mac separates its parts by a byte that none of them can hold.
func (k Key) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, k.secret[:])
	h.Write([]byte(strings.Join(parts, "\x00")))
	return h.Sum(nil)
}
