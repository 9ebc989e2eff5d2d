package token

import (
	"path/filepath"
	"testing"

	"agentbridge"
)

// A stolen database holds digests of codes that are short enough to try them
// all: without the key that must lead nowhere.
func TestDigest(t *testing.T) {
	dir := t.TempDir()
	key, err := LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := LoadOrCreateKey(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	code := agentbridge.MakeInvite([12]byte{1, 2, 3})
	if first, again := key.Digest(code), key.Digest(code); first != again {
		t.Error("one code has two digests")
	}
	seen := map[[32]byte]string{}
	for what, d := range map[string][32]byte{
		"the code":               key.Digest(code),
		"with another key":       other.Digest(code),
		"another code":           key.Digest(agentbridge.MakeInvite([12]byte{1, 2, 4})),
		"with the same id":       key.Digest(code[:len(code)-1] + "Z"),
		"nothing":                key.Digest(""),
		"of the other key":       other.Digest(""),
		"without its separators": key.Digest(agentbridge.Invite("123000000000")),
	} {
		if before, ok := seen[d]; ok {
			t.Errorf("%s and %s have one digest", what, before)
		}
		seen[d] = what
	}
}
