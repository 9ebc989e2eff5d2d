package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Statement is what a checkpoint says: that this log's first so many entries
// have this root.
type Statement struct {
	Origin string
	Size   int64
	Root   Hash
}

// maxSize is more entries than there will ever be. Package tlog does not end on
// trees of more than 1<<62.
const maxSize = 1 << 60

// text is the body of a checkpoint (C2SP tlog-checkpoint) without extensions.
func (s Statement) text() string {
	return s.Origin + "\n" + strconv.FormatInt(s.Size, 10) + "\n" + s.Root.String() + "\n"
}

var (
	// errMalformed is a text that never was a checkpoint.
	errMalformed = errors.New("this is no checkpoint: want a name, a size, a root hash, an empty line and a signature")
	// errSignature is a checkpoint that the holder of the key did not make.
	errSignature = errors.New("the checkpoint's signature is not of this log's key")
)

// OpenCheckpoint returns what a checkpoint says if the holder of the key signed
// it: its name must be the key's, and it must be written in the one way in which
// Sign writes it. Signatures of others beside that one don't matter. A log that
// has had several keys has as many verifiers, with space between; any of them
// will do.
func OpenCheckpoint(text, verifier string) (Statement, error) {
	v, err := newVerifier(verifier)
	if err != nil {
		return Statement{}, err
	}
	return v.open(text)
}

func (v *verifier) open(text string) (Statement, error) {
	n, err := note.Open([]byte(text), v)
	if _, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return Statement{}, errSignature
	}
	if _, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
		return Statement{}, errSignature
	}
	if err != nil {
		return Statement{}, errMalformed
	}
	for _, sig := range n.Sigs { // note.Open overlooks bits that mean nothing
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return Statement{}, errSignature
		}
	}
	s, err := parse(n.Text)
	if err == nil && s.Origin != v.name {
		return Statement{}, fmt.Errorf("the checkpoint is of %s and its key is of %s", s.Origin, v.name)
	}
	return s, err
}

// parse reads what Statement.text wrote, and nothing else.
func parse(text string) (Statement, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 {
		return Statement{}, errMalformed
	}
	s := Statement{Origin: lines[0]}
	var err1, err2 error
	s.Size, err1 = strconv.ParseInt(lines[1], 10, 64)
	s.Root, err2 = tlog.ParseHash(lines[2])
	if err1 != nil || err2 != nil || s.Size < 0 || s.Size > maxSize || s.text() != text {
		return Statement{}, errMalformed
	}
	return s, nil
}
