package redact_test

import (
	"crypto/rand"
	"math/big"
)

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alnum  = digits + lower + upper
	hexSet = digits + "abcdef"
)

// random returns n characters of a set. Secrets are made when a test runs: hosts
// refuse files that hold well-formed ones. It holds a digit and, if the set has
// any, letters, as nearly all real ones do.
func random(n int, set string) string {
	for {
		b := make([]byte, n)
		for i := range b {
			k, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
			if err != nil {
				panic(err)
			}
			b[i] = set[k.Int64()]
		}
		if n < 8 || kinds(b) >= min(2, kinds([]byte(set))) && b[0] != b[1] {
			return string(b)
		}
	}
}

func kinds(b []byte) int {
	var digit, letter int
	for _, c := range b {
		if c <= '9' {
			digit = 1
		} else {
			letter = 1
		}
	}
	return digit + letter
}
