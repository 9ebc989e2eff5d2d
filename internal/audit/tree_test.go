package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"agentbridge/internal/audit"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree is tlog's tree: the same hashes are kept and the root is the same, at
// every size, whether it has grown there, followed or was loaded.
func TestTree_isTlogs(t *testing.T) {
	const entries = 300
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, err error) {
		for _, i := range indexes {
			list = append(list, stored[i])
		}
		return list, nil
	})
	kept := map[int64][]byte{}
	reads := 0
	hashesOf := func(seq int64) ([]byte, error) { reads++; return kept[seq], nil }

	var tree, follower audit.Tree
	for n := range int64(entries + 1) {
		want, err := tlog.TreeHash(n, reader)
		if err != nil {
			t.Fatal(err)
		}
		reads = 0
		loaded, err := audit.LoadTree(n, hashesOf)
		if err != nil || reads > 9 {
			t.Fatalf("LoadTree(%d): got %v after %d reads, want a tree after at most 9", n, err, reads)
		}
		for how, tree := range map[string]audit.Tree{"appended": tree.Clone(), "followed": follower, "loaded": loaded} {
			if tree.Size() != n || tree.Root() != want {
				t.Fatalf("tree of %d that was %s: got size %d and root %v, want %v", n, how, tree.Size(), tree.Root(), want)
			}
		}
		text := fmt.Appendf(nil, "entry %d", n)
		hashes, err := tlog.StoredHashes(n, text, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		var flat []byte
		for _, h := range hashes {
			flat = append(flat, h[:]...)
		}
		got := tree.Append([]byte("x"), text)
		if !bytes.Equal(got, append([]byte("x"), flat...)) {
			t.Fatalf("Append of entry %d: got %x, want x and %x", n+1, got, flat)
		}
		kept[n+1] = flat
		if err := follower.Follow(flat); err != nil {
			t.Fatalf("Follow of entry %d: got %v, want no error", n+1, err)
		}
	}
}

func TestTree_clonesGrowApart(t *testing.T) {
	var tree audit.Tree
	for range 7 {
		tree.Append(nil, []byte("same"))
	}
	clone := tree.Clone()
	root := tree.Root()
	clone.Append(nil, []byte("other"))
	if tree.Root() != root || tree.Size() != 7 || clone.Size() != 8 {
		t.Errorf("tree after its clone grew: got %d entries and root %v, want 7 and %v", tree.Size(), tree.Root(), root)
	}
}

func TestTree_refusesWhatCantBe(t *testing.T) {
	oops := errors.New("oops")
	if _, err := audit.LoadTree(5, func(int64) ([]byte, error) { return nil, oops }); !errors.Is(err, oops) {
		t.Errorf("LoadTree that can't read: got %v, want %v", err, oops)
	}
	for _, n := range []int{0, 31, 33, 64} { // entry 5 has one hash
		if _, err := audit.LoadTree(5, func(seq int64) ([]byte, error) {
			if seq == 5 {
				return make([]byte, n), nil
			}
			return make([]byte, 3*tlog.HashSize), nil
		}); err == nil {
			t.Errorf("LoadTree with %d bytes beside entry 5: got no error, want one", n)
		}
		var tree audit.Tree
		if err := tree.Follow(make([]byte, n)); err == nil || tree.Size() != 0 {
			t.Errorf("Follow with %d bytes beside entry 1: got %v and size %d, want an error and 0", n, err, tree.Size())
		}
	}
}
