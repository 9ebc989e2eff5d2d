package audit

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// maxLevels is how high a tree can grow: no log has more entries than an int64
// can count.
const maxLevels = 63

// Tree is the right edge of the tree over a log's entries: all that it takes to
// append to it. Its zero value is the tree of an empty log.
type Tree struct {
	size int64
	// edge[l] is the root of the complete tree of 1<<l entries that is one of
	// those which make up this tree, if bit l of size is set; else it is nothing.
	edge [maxLevels]Hash
}

// Size is the number of entries.
func (t *Tree) Size() int64 { return t.size }

// Clone returns a tree that grows on its own.
func (t *Tree) Clone() Tree { return *t }

// Root is the hash of the whole tree (RFC 6962, section 2.1).
func (t *Tree) Root() Hash {
	if t.size == 0 {
		empty, _ := tlog.TreeHash(0, nil) // it asks nobody for nothing
		return empty
	}
	low := bits.TrailingZeros64(uint64(t.size))
	root := t.edge[low]
	for rest := t.size >> (low + 1) << (low + 1); rest != 0; rest &= rest - 1 {
		root = tlog.NodeHash(t.edge[bits.TrailingZeros64(uint64(rest))], root)
	}
	return root
}

// Append adds an entry by its text (AppendEntry). It appends to dst what is to
// be kept beside the entry: the hash of the entry and those of the nodes that it
// completes, upwards, each of tlog.HashSize bytes.
func (t *Tree) Append(dst, text []byte) []byte {
	h := tlog.RecordHash(text)
	dst = append(dst, h[:]...)
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		h = tlog.NodeHash(t.edge[level], h)
		dst = append(dst, h[:]...)
	}
	t.edge[level] = h
	t.size++
	return dst
}

// kept is how many bytes are kept beside an entry.
func kept(seq int64) int { return (1 + bits.TrailingZeros64(uint64(seq))) * tlog.HashSize }

// Follow adds the entry behind the last one by what is kept beside it, as
// Append made it in somebody else's tree.
func (t *Tree) Follow(hashes []byte) error {
	if want := kept(t.size + 1); len(hashes) != want {
		return &damage{t.size + 1, len(hashes), want}
	}
	t.size++
	t.edge[bits.TrailingZeros64(uint64(t.size))] = Hash(hashes[len(hashes)-tlog.HashSize:])
	return nil
}

// LoadTree returns the tree over the first entries of a log from the hashes that
// are kept beside some of them, one for each bit that is set in size.
func LoadTree(size int64, hashesOf func(seq int64) ([]byte, error)) (Tree, error) {
	if size < 0 {
		return Tree{}, fmt.Errorf("tree of %d audit entries: there is none", size)
	}
	t := Tree{size: size}
	for rest := size; rest != 0; rest &= rest - 1 {
		// What is left of size when its lowest bits go is where the node of the
		// lowest of the remaining bits ends.
		hashes, err := hashesOf(rest)
		if err != nil {
			return Tree{}, fmt.Errorf("hashes of audit entry %d: %w", rest, err)
		}
		if want := kept(rest); len(hashes) != want {
			return Tree{}, &damage{rest, len(hashes), want}
		}
		t.edge[bits.TrailingZeros64(uint64(rest))] = Hash(hashes[len(hashes)-tlog.HashSize:])
	}
	return t, nil
}

// damage is an entry with hashes beside it that can't be.
type damage struct {
	seq       int64
	got, want int // bytes
}

func (d *damage) Error() string {
	return fmt.Sprintf("audit entry %d has %d bytes of hashes beside it, not %d: the log is damaged; see agentbridge audit verify", d.seq, d.got, d.want)
}
