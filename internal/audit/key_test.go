package audit_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"agentbridge"
	"agentbridge/internal/audit"
)

func TestLoadOrCreateKey_isTheSameAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.key")
	if _, err := audit.LoadKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("LoadKey of no file: got %v, want %v", err, fs.ErrNotExist)
	}
	verifiers := make([]string, 20)
	var wg sync.WaitGroup
	for i := range verifiers {
		wg.Go(func() {
			key, err := audit.LoadOrCreateKey(path, origin)
			if err != nil {
				t.Errorf("LoadOrCreateKey: got %v, want a key", err)
				return
			}
			verifiers[i] = key.Verifier()
		})
	}
	wg.Wait()
	key, err := audit.LoadKey(path)
	if err != nil {
		t.Fatalf("LoadKey: got %v, want a key", err)
	}
	for _, v := range verifiers {
		if v != key.Verifier() {
			t.Errorf("verifier: got %q, want %q for all who asked at once", v, key.Verifier())
		}
	}
	if key.Origin() != origin || !strings.HasPrefix(key.Verifier(), origin+"+") {
		t.Errorf("Origin and Verifier: got %q and %q, want %q", key.Origin(), key.Verifier(), origin)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("files beside the key: got %v, %v, want only itself", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode of the key file: got %v, %v, want 0600", info.Mode(), err)
	}
}

// The texts of keys hold '+' and '/' in one of two cases each: all must load.
func TestLoadKey_anyKey(t *testing.T) {
	for range 50 {
		key := newKey(t)
		c, err := key.Sign(origin, 0, (&audit.Tree{}).Root())
		if err != nil {
			t.Fatalf("Sign: got %v, want a checkpoint", err)
		}
		if _, err := audit.OpenCheckpoint(c.Note, key.Verifier()); err != nil {
			t.Fatalf("OpenCheckpoint with the key's own verifier: got %v, want no error", err)
		}
	}
}

func TestLoadKey_refuses(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good")
	if _, err := audit.LoadOrCreateKey(good, origin); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"empty":         {"", 0o600},
		"cut":           {string(raw[:len(raw)/2]), 0o600},
		"another seed":  {strings.Replace(string(raw), "+A", "+B", 1), 0o600},
		"one of ssh":    {"-----BEGIN OPENSSH PRIVATE KEY-----\n", 0o600},
		"for the group": {string(raw), 0o640},
		"for everybody": {string(raw), 0o644},
	} {
		if runtime.GOOS == "windows" && c.mode != 0o600 {
			continue // where other bits say who may read
		}
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		for _, load := range []func() (audit.Key, error){
			func() (audit.Key, error) { return audit.LoadKey(path) },
			func() (audit.Key, error) { return audit.LoadOrCreateKey(path, origin) },
		} {
			_, err := load()
			if agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), path) {
				t.Errorf("key file that is %s: got %v, want a sentence with its name", name, err)
			} else if secret := strings.TrimSpace(c.text); secret != "" && strings.Contains(err.Error(), secret) {
				t.Errorf("key file that is %s: got its text in %v", name, err)
			}
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != c.text {
			t.Errorf("key file that is %s: got %q, %v, want it left as it was", name, now, err)
		}
	}
	if _, err := audit.LoadOrCreateKey(good, "agentbridge/ffffffffffffffff"); agentbridge.CodeOf(err) != agentbridge.Unusable {
		t.Errorf("LoadOrCreateKey with another log's key: got %v, want a sentence", err)
	}
	if _, err := audit.LoadOrCreateKey(t.TempDir(), origin); agentbridge.CodeOf(err) != agentbridge.Unusable {
		t.Errorf("LoadOrCreateKey of a directory: got %v, want a sentence", err)
	}
}
