package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"agentbridge"
)

const (
	keySize = 32       // bytes of a key, for AES-256
	maxFile = 64 << 10 // bytes of a key file
)

const heading = `# The keys that agentbridge encrypts messages with, the newest last. Without them
# the messages can't be read: keep a copy, and not where the database is copied to.
`

// keyFile is the content of a key file.
type keyFile struct {
	lines []string // all of them, comments too
	keys  []key    // oldest first
}

type key struct {
	id     string
	secret []byte
}

// Format keeps a key out of everything that fmt writes.
func (k key) Format(s fmt.State, _ rune) { fmt.Fprint(s, "key "+k.id) }

// readFile reads a key file. What is wrong with it is said in a sentence that
// quotes nothing of it.
func readFile(path string) (f keyFile, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, unusable(path, "it does not exist; restore it from a backup, or name the right one with --encryption-key")
	case err != nil:
		return f, unusable(path, "it can't be read (%v); make it readable for this user", err)
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return f, unusable(path, "it is not a key file; name the right one with --encryption-key")
	}
	if err := checkPrivate(path, info); err != nil {
		return f, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return f, unusable(path, "it can't be read (%v); make it readable for this user", err)
	}
	return parse(path, raw)
}

// parse reads lines of an id and 64 hex digits. The id holds the digits to
// account: a key with a wrong digit would open nothing, and say so much later.
func parse(path string, raw []byte) (f keyFile, err error) {
	f.lines = strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for i, line := range f.lines {
		id, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		if id == "" || strings.HasPrefix(id, "#") {
			continue
		}
		secret, err := hex.DecodeString(strings.TrimSpace(digits))
		known := func(k key) bool { return k.id == id }
		if err != nil || len(secret) != keySize || idOf(secret) != id || slices.ContainsFunc(f.keys, known) {
			return f, unusable(path, "line %d is damaged (want a key's name and its 64 hex digits); restore the file from a backup", i+1)
		}
		f.keys = append(f.keys, key{id, secret})
	}
	if len(f.keys) == 0 {
		return f, unusable(path, "it holds no key; restore it from a backup, or name the right one with --encryption-key")
	}
	return f, nil
}

// newLine makes a key.
func newLine() (id, line string) {
	secret := make([]byte, keySize)
	rand.Read(secret)
	id = idOf(secret)
	return id, id + " " + hex.EncodeToString(secret)
}

// create makes a key file with one key unless there is one. It links a complete
// file into place: a reader sees a whole one or none, and of several creators
// the first wins.
func create(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	_, line := newLine()
	err := throughTemp(path, []byte(heading+line+"\n"), os.Link)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return unusable(path, "it can't be made (%v); make its directory writable for this user, or name another file with --encryption-key", err)
	}
	return nil
}

// Add appends a new key to the file and returns its name. The caller sees to it
// that nobody else changes the file meanwhile.
func (r *Ring) Add() (id string, err error) {
	id, line := newLine()
	return id, r.rewrite(func(f keyFile) []string { return append(f.lines, line) })
}

// Keep removes all keys from the file but the newest and those that are named,
// and returns the names of the removed ones. The caller sees to it that nobody
// else changes the file meanwhile.
func (r *Ring) Keep(ids []string) (removed []string, err error) {
	err = r.rewrite(func(f keyFile) []string {
		newest := f.keys[len(f.keys)-1].id
		return slices.DeleteFunc(f.lines, func(line string) bool {
			id, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			known := func(k key) bool { return k.id == id }
			if id == newest || slices.Contains(ids, id) || !slices.ContainsFunc(f.keys, known) {
				return false
			}
			removed = append(removed, id)
			return true
		})
	})
	return removed, err
}

// rewrite replaces the file at once: a crash leaves the old one or the new one.
func (r *Ring) rewrite(edit func(keyFile) []string) error {
	path, err := filepath.EvalSymlinks(r.path)
	if err != nil {
		return unusable(r.path, "it can't be read (%v)", err)
	}
	f, err := readFile(path)
	if err != nil {
		return err
	}
	before := len(f.lines)
	lines := edit(f)
	if len(lines) == before {
		return r.Load()
	}
	if err := throughTemp(path, []byte(strings.Join(lines, "\n")+"\n"), os.Rename); err != nil {
		return unusable(r.path, "it can't be written (%v); make it and its directory writable for this user", err)
	}
	return r.Load()
}

// throughTemp writes a file beside the path, on disk, and has it put in place.
// The directory is synced too: a key must not be lost of which a database says
// already that it was used.
func throughTemp(path string, content []byte, place func(from, to string) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails if it was renamed
	_, err = bytes.NewReader(content).WriteTo(temp)
	if err := errors.Join(err, sameOwner(temp.Name(), path), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := place(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func unusable(path, format string, args ...any) error {
	return agentbridge.Refuse(agentbridge.Unusable, "", "encryption key file %s: "+format, append([]any{path}, args...)...)
}
