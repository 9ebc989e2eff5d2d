package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"math/big"
	"strings"

	"agentbridge"
)

// An API token is its prefix, 32 random bytes in 43 digits of base 62, and the
// CRC-32 of all that in 6 more. The CRC keeps no secret: it tells a token that
// was cut short or mistyped from one to look up, and what looks like a token
// from what is one.
const (
	apiLength    = agentbridge.APITokenLength
	checkDigits  = 6
	randomDigits = apiLength - len(agentbridge.APITokenPrefix) - checkDigits
)

// MintAPI returns a new token.
func MintAPI() agentbridge.APIToken {
	var secret [32]byte
	rand.Read(secret[:])
	text := agentbridge.APITokenPrefix + base62(new(big.Int).SetBytes(secret[:]), randomDigits)
	return agentbridge.APIToken(text + checksum(text))
}

// ParseAPI tells whether a text has the form of a token. Whether it admits is
// another question.
func ParseAPI(text string) (agentbridge.APIToken, bool) {
	if len(text) != apiLength || !strings.HasPrefix(text, agentbridge.APITokenPrefix) {
		return "", false
	}
	for i := len(agentbridge.APITokenPrefix); i < len(text); i++ {
		if !isDigit62(text[i]) {
			return "", false
		}
	}
	body, check := text[:apiLength-checkDigits], text[apiLength-checkDigits:]
	return agentbridge.APIToken(text), check == checksum(body)
}

// DigestOf is what is kept of a token.
func DigestOf(t agentbridge.APIToken) [32]byte { return sha256.Sum256([]byte(t)) }

// IDOf names a token in public, by 32 bits of its digest.
func IDOf(digest [32]byte) string { return hex.EncodeToString(digest[:4]) }

func isDigit62(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func checksum(text string) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var b [checkDigits]byte
	for i, sum := checkDigits-1, crc32.ChecksumIEEE([]byte(text)); i >= 0; i, sum = i-1, sum/62 {
		b[i] = digits[sum%62]
	}
	return string(b[:])
}

// base62 writes a number with leading zeros.
func base62(n *big.Int, width int) string {
	text := n.Text(62)
	return strings.Repeat("0", width-len(text)) + text
}
