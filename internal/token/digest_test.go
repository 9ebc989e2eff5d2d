package token_test

import (
	"path/filepath"
	"testing"

	"agentbridge/internal/token"
)

func TestSum(t *testing.T) {
	key := func() token.Key {
		k, err := token.LoadOrCreateKey(filepath.Join(t.TempDir(), "key"))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	k, other := key(), key()
	// Lists of parts that would be one, were they only written one after another.
	seen := map[[32]byte]int{}
	for i, sum := range [][32]byte{
		k.Sum("a"), k.Sum("a", ""), k.Sum("a", "", ""), k.Sum("", "a"), k.Sum("a", "b"), k.Sum("ab"), k.Sum("a", "b\x00c"), k.Sum("a", "b", "c"),
		k.Sum("a", "bc"), k.Sum("ab", "c"), other.Sum("a", "b"),
	} {
		if before, ok := seen[sum]; ok {
			t.Errorf("sums %d and %d are equal", before, i)
		}
		seen[sum] = i
	}
	if again := k.Sum("a", "b"); seen[again] != 4 {
		t.Error("Sum() of the same is not the same")
	}
}
