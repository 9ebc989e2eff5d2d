package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// footprint is what a database takes on disk.
type footprint struct {
	file int64 // bytes of its file
	log  int64 // bytes of its write-ahead log
	used int64 // bytes of the pages that hold something; 0 if that can't be told
}

// since is by how much it has grown: by the pages in use if they are known,
// because freed ones stay in the file for what comes next, else by its files.
func (p footprint) since(before footprint) float64 {
	if p.exact() && before.exact() {
		return float64(p.used - before.used)
	}
	return float64(p.file + p.log - before.file - before.log)
}

// exact tells whether the pages in use are known.
func (p footprint) exact() bool { return p.used > 0 }

// whole tells whether next to nothing is in the write-ahead log: it was just cut
// off.
func (p footprint) whole() bool { return p.log <= 64<<10 }

// footprint looks at the server's database.
func (r *Run) footprint() (footprint, error) {
	size, ok := sizeOnDisk(r.Target.DB)
	info, err := os.Stat(r.Target.DB)
	if err != nil || !ok {
		return footprint{}, fmt.Errorf("look at the server's database: %w", err)
	}
	p := footprint{file: info.Size(), log: size - info.Size()}
	if !r.elsewhere() {
		return p, nil
	}
	if p.used, err = usedBytes(r.Target.DB); err != nil {
		return footprint{}, fmt.Errorf("look at the server's database: %w", err)
	}
	return p, nil
}

// elsewhere tells whether the server is another process. If it is this one its
// database must not be opened here: closing the file would drop SQLite's locks.
func (r *Run) elsewhere() bool { return r.Target.PID == nil || r.Target.PID() != os.Getpid() }

// usedBytes reads how many bytes of pages of an SQLite database are not free.
// Nobody may write meanwhile. Where the numbers stand is in SQLite's description
// of its file format, §1.3 and §4.1.
func usedBytes(db string) (int64, error) {
	f, err := os.Open(db)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	header := make([]byte, 40)
	if _, err := io.ReadFull(f, header); err != nil {
		return 0, err
	}
	if string(header[:15]) != "SQLite format 3" {
		return 0, fmt.Errorf("%s is no SQLite database", db)
	}
	size := int64(binary.BigEndian.Uint16(header[16:]))
	if size == 1 {
		size = 64 << 10
	}
	pages, free := binary.BigEndian.Uint32(header[28:]), binary.BigEndian.Uint32(header[36:])
	if err := newer(db+"-wal", size, &pages, &free); err != nil {
		return 0, err
	}
	return size * (int64(pages) - int64(free)), nil
}

const (
	walHeader   = 32
	frameHeader = 24
)

// newer replaces the numbers of pages by those in a write-ahead log, if there is
// one that holds newer ones. Frames count up to the last one that ends a
// transaction; behind those with the log's salt lie the remains of an older one.
func newer(wal string, size int64, pages, free *uint32) error {
	f, err := os.Open(wal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	head, frame := make([]byte, walHeader), make([]byte, frameHeader)
	if _, err := f.ReadAt(head, 0); err != nil {
		return ignoreEOF(err)
	}
	var first, committed int64 // where the newest first page stands: in any frame, and in one that counts
	for at := int64(walHeader); ; at += frameHeader + size {
		if _, err := f.ReadAt(frame, at); err != nil || !bytes.Equal(frame[8:16], head[16:24]) {
			break
		}
		if binary.BigEndian.Uint32(frame) == 1 {
			first = at + frameHeader
		}
		if n := binary.BigEndian.Uint32(frame[4:]); n > 0 {
			*pages, committed = n, first
		}
	}
	if committed == 0 {
		return nil
	}
	page := make([]byte, 40)
	if _, err := f.ReadAt(page, committed); err != nil {
		return ignoreEOF(err)
	}
	*free = binary.BigEndian.Uint32(page[36:])
	return nil
}

// ignoreEOF: a log that ends before it begins is empty.
func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
