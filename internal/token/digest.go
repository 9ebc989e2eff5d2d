package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Sum authenticates some parts for a purpose. Without the key nobody can tell
// which parts a sum is of, however few come into question; no two lists of parts
// share one, and neither do two purposes, nor any of them and a token.
func (k Key) Sum(purpose string, parts ...string) (sum [32]byte) {
	text := appendPart(nil, purpose) // its first byte is zero, which no mac begins with
	for _, part := range parts {
		text = appendPart(text, part)
	}
	h := hmac.New(sha256.New, k.secret[:])
	h.Write(text)
	h.Sum(sum[:0])
	return sum
}

func appendPart(text []byte, part string) []byte {
	return append(binary.BigEndian.AppendUint64(text, uint64(len(part))), part...)
}
