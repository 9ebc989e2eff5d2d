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

// append writes notes in one piece, so that those of several processes don't mix.
// When it returns no error the disk has them.
func (s sidecar) append(notes string) error {
	if s == "" {
		return nil
	}
	f, err := os.OpenFile(string(s), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(appendNotes(f, notes), f.Close())
}

// sidecarFile is what is needed of an open sidecar.
type sidecarFile interface {
	io.Writer
	io.ReaderAt
	io.Seeker
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// appendNotes writes all of it or, as far as it can, nothing. What nobody could
// take back stays in a line of its own.
func appendNotes(f sidecarFile, notes string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if size := info.Size(); size > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], size-1); err != nil {
			return err
		}
		if last[0] != '\n' { // a process died, or its disk was full
			notes = "\n" + notes
		}
	}
	n, err := f.Write([]byte(notes))
	if err == nil {
		return f.Sync()
	}
	return errors.Join(err, takeBack(f, int64(n)))
}

// takeBack removes what was written last, unless another process has written
// behind it.
func takeBack(f sidecarFile, written int64) error {
	if written == 0 {
		return nil
	}
	end, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err != nil || info.Size() != end {
		return err
	}
	return f.Truncate(end - written)
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
	notes, _ := audit.SplitNotes(string(raw)) // the first may be cut, and any may be torn
	return notes, err
}
