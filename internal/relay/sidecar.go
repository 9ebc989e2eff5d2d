package relay

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"agentbridge/internal/audit"
)

// sidecar is the path of a file beside the database to which every checkpoint is
// appended, one note after the other: the nearest place outside the database, and
// what is copied away to keep one. "" is none.
type sidecar string

// append writes one note in one piece, so that those of several processes don't
// mix.
func (s sidecar) append(note string) error {
	if s == "" {
		return nil
	}
	f, err := os.OpenFile(string(s), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(note)
	return errors.Join(err, f.Close())
}

// tailBytes is how much of the end of a sidecar is read: some dozen notes.
const tailBytes = 8 << 10

// tail returns the last notes.
func (s sidecar) tail() ([]string, error) {
	if s == "" {
		return nil, nil
	}
	f, err := os.Open(string(s))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	raw, err := io.ReadAll(io.LimitReader(f, tailBytes))
	notes, _ := audit.SplitNotes(string(raw)) // the first may be cut
	return notes, err
}
