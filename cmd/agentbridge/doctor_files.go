package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"agentbridge/internal/audit"
)

// files looks at who can get at the database and its keys.
func (d *doctor) files() {
	d.directory()
	wrong := 0
	for _, path := range append(d.ownFiles(), d.key(d.path), d.storeFlags.auditKey(d.path), d.ring.Path()) {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			d.note(bad, "files", "", "%s can't be looked at: %v", path, err)
			wrong++
			continue
		}
		wrong += d.file(path, info)
	}
	if wrong == 0 {
		d.note(fine, "files", "", "%s, the files beside it and the keys are yours alone", d.path)
	}
}

// ownFiles are those that are no keys.
func (d *doctor) ownFiles() (paths []string) {
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".bell", ".checkpoints"} {
		paths = append(paths, d.path+suffix)
	}
	return paths
}

// file notes what is wrong with one, and returns how much that is.
func (d *doctor) file(path string, info fs.FileInfo) (wrong int) {
	if mode := info.Mode().Perm(); modesMatter && mode&0o077 != 0 {
		d.note(bad, "files", "chmod 600 it, and if it is a key replace it", "other users can get at %s (its mode is %04o)", path, mode)
		wrong++
	}
	if owner := ownerProblem(path, info, d.path); owner != "" {
		d.note(worry, "files", "have all files belong to the user that the bridge runs as", "%s", owner)
		wrong++
	}
	return wrong
}

func (d *doctor) directory() {
	dir := filepath.Dir(d.path)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		d.note(bad, "directory", "", "%s can't be looked at: %v", dir, err)
	case modesMatter && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
		d.note(worry, "directory", "chmod o-w it", "every user can replace the files in %s (its mode is %04o)", dir, info.Mode().Perm())
	case ownerProblem(dir, info, d.path) != "":
		d.note(worry, "directory", "keep the database in a directory of the bridge's user", "%s", ownerProblem(dir, info, d.path))
	default:
		d.note(fine, "directory", "", "%s", dir)
	}
}

// How many bytes of free disk space are little, and too little.
const (
	littleRoom = 500 << 20
	noRoom     = 50 << 20
)

func (d *doctor) room() {
	free, err := freeSpace(filepath.Dir(d.path))
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		d.note(worry, "disk", "", "how much room there is can't be told: %v", err)
	case free < noRoom:
		d.note(bad, "disk", "make room: nothing is stored when it is full", "%s are free", megabytes(free))
	case free < littleRoom:
		d.note(worry, "disk", "make room", "%s are free", megabytes(free))
	default:
		d.note(fine, "disk", "", "%s are free", megabytes(free))
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n/1_000_000) }

// users are the processes that have the database open.
func (d *doctor) users() {
	open, err := processesWith(d.path)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		d.note(worry, "processes", "", "who has it open can't be told: %v", err)
	case len(open) == 0:
		d.note(fine, "processes", "", "no process that we can see has it open")
	default:
		d.note(fine, "processes", "", "open in %s", strings.Join(open, ", "))
	}
}

// lastCheckpoints are the newest of those that were written beside the database.
func lastCheckpoints(path string) []string {
	const tail = 8 << 10 // bytes: some dozen
	f, err := os.Open(path)
	if err != nil {
		return nil // they are a convenience; what is missing, anybody may have removed
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tail {
		_, _ = f.Seek(-tail, io.SeekEnd)
	}
	raw, _ := io.ReadAll(io.LimitReader(f, tail))
	notes, _ := audit.SplitNotes(string(raw)) // the first may be cut off
	return notes[max(0, len(notes)-1):]
}
