package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"agentbridge"

	"golang.org/x/mod/sumdb/note"
)

// Key signs the checkpoints of one log, whose name (its origin) is the key's.
// It has no readable form of its own.
type Key struct {
	signer   note.Signer
	verifier string
}

// LoadKey reads a key file. One that is damaged or that other users can read is
// refused with a sentence; the error of one that is not there is fs.ErrNotExist.
func LoadKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("audit key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Key{}, unusable(path, "it is not a regular file; name another one")
	}
	// Windows keeps other users out by other means than these bits.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return Key{}, unusable(path, "other users can get at it (its mode is %04o); make it 0600, and make a new key if somebody may have read it", mode)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("audit key file: %w", err)
	}
	k, err := parseKey(strings.TrimSpace(string(raw)))
	if err != nil {
		return Key{}, unusable(path, "it is damaged (%v); restore it from a backup", err)
	}
	return k, nil
}

// parseKey reads a signer key of package note.
func parseKey(text string) (k Key, err error) {
	if k.signer, err = note.NewSigner(text); err != nil {
		return Key{}, errors.New("want one line PRIVATE+KEY+…")
	}
	// note has no way from a signer to its verifier. The text's fifth part is the
	// algorithm's byte and the seed.
	parts := strings.SplitN(text, "+", 5)
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return Key{}, errors.New("want one line PRIVATE+KEY+…")
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	k.verifier, err = note.NewEd25519VerifierKey(k.signer.Name(), public)
	return k, err
}

// LoadOrCreateKey reads the key file of the log with this origin, making it with
// a new key if there is none. Of several processes that make it at once all
// return the same key. Another log's key is refused with a sentence.
func LoadOrCreateKey(path, origin string) (Key, error) {
	k, err := LoadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path, origin); err != nil && !errors.Is(err, fs.ErrExist) {
			return Key{}, fmt.Errorf("make audit key file: %w", err)
		}
		k, err = LoadKey(path)
	}
	if err == nil && k.Origin() != origin {
		return Key{}, unusable(path, "it is the key of another log (%s, and this one is %s); name this log's own", k.Origin(), origin)
	}
	return k, err
}

// createKey writes a complete file beside the path and links it into place: a
// reader sees a whole key or none, and a second creator gets fs.ErrExist.
func createKey(path, origin string) error {
	secret, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(secret + "\n")
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Link(temp.Name(), path)
}

// Origin is the name of the log whose checkpoints the key signs.
func (k Key) Origin() string { return k.signer.Name() }

// Verifier is what checks the key's signatures and is no secret (C2SP
// signed-note, "vkey").
func (k Key) Verifier() string { return k.verifier }

// Sign states what a log was when it had so many entries. The origin must be the
// key's.
func (k Key) Sign(origin string, size int64, root Hash) (agentbridge.Checkpoint, error) {
	if k.signer == nil || origin != k.Origin() {
		return agentbridge.Checkpoint{}, fmt.Errorf("sign checkpoint of %s: the key is another log's", origin)
	}
	text, err := note.Sign(&note.Note{Text: Statement{Origin: origin, Size: size, Root: root}.text()}, k.signer)
	if err != nil {
		return agentbridge.Checkpoint{}, fmt.Errorf("sign checkpoint of %s: %w", origin, err)
	}
	return agentbridge.Checkpoint{Size: size, Note: string(text)}, nil
}

func unusable(path, format string, args ...any) error {
	return agentbridge.Refuse(agentbridge.Unusable, "", "audit key file %s: "+format, append([]any{path}, args...)...)
}
