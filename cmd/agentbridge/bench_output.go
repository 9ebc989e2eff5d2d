package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/term"
)

// outputs are files that will be written when the measuring is done, by path.
// They are made before, because a path that can't be written must not be found
// out after an hour; and beside the place, so that an older file there stays
// whole until then.
type outputs map[string]*os.File

// reserveAll makes them; "" is no file.
func reserveAll(paths ...string) (outputs, error) {
	o := outputs{}
	for _, path := range paths {
		if path == "" || o[path] != nil {
			continue
		}
		f, err := reserveFile(path)
		if wrapped, ok := errors.AsType[*fs.PathError](err); ok {
			err = wrapped.Err // its path is that of a temporary file
		}
		if err != nil {
			o.discard()
			return nil, usageError{fmt.Errorf("can't write %s (%w); name a file in a directory that you may write to", path, err)}
		}
		o[path] = f
	}
	return o, nil
}

// reserveFile makes a file beside a path, or opens what is no file (a pipe, a
// terminal) itself.
func reserveFile(path string) (*os.File, error) {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return nil, errors.New("it is a directory")
	case err == nil && !info.Mode().IsRegular():
		return os.OpenFile(path, os.O_WRONLY, 0)
	}
	return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
}

// finish writes a file and puts it where it belongs.
func (o outputs) finish(path string, write func(io.Writer) error) error {
	f := o[path]
	if f == nil {
		return nil
	}
	delete(o, path)
	err := errors.Join(write(f), f.Close())
	if f.Name() == path {
		return err
	}
	if err == nil {
		// As an editor would leave it: these are figures, not secrets.
		err = errors.Join(os.Chmod(f.Name(), 0o644), os.Rename(f.Name(), path))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// discard removes what was not finished.
func (o outputs) discard() {
	for path, f := range o {
		_ = f.Close()
		if f.Name() != path {
			_ = os.Remove(f.Name())
		}
	}
}

// progress tells what is being done: a line for each step, or on a terminal one
// line that is written over.
type progress struct {
	w        io.Writer
	terminal bool

	mu sync.Mutex // guards what follows, and the writer
	on bool       // something stands on the line
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progress) say(format string, args ...any) {
	line := inert(fmt.Sprintf(format, args...))
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		return
	}
	if width, _, err := term.GetSize(int(p.w.(*os.File).Fd())); err == nil && width > 1 {
		if runes := []rune(line); len(runes) >= width { // one that wraps can't be written over
			line = string(runes[:width-1])
		}
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", strings.TrimSpace(line))
	p.on = true
}

// end leaves the terminal's line empty.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.on = false
	}
}
