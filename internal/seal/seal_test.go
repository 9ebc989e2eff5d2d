package seal_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"agentbridge"
	"agentbridge/internal/seal"

	"github.com/google/go-cmp/cmp"
)

// newRing returns a ring with one key, in a file of its own.
func newRing(t *testing.T) *seal.Ring {
	t.Helper()
	r := seal.New(filepath.Join(t.TempDir(), "key"))
	if err := r.Create(); err != nil {
		t.Fatalf("Create: got %v, want a key", err)
	}
	return r
}

func mustSeal(t *testing.T, r *seal.Ring, plain, context string) []byte {
	t.Helper()
	sealed, err := r.Seal(r.KeyID(), []byte(plain), []byte(context))
	if err != nil {
		t.Fatalf("Seal: got %v, want a ciphertext", err)
	}
	return sealed
}

func TestRing_opensWhatItSealed(t *testing.T) {
	r := newRing(t)
	for _, plain := range []string{"", "x", strings.Repeat("long ", 40_000)} {
		sealed := mustSeal(t, r, plain, "here")
		if len(plain) > 3 && bytes.Contains(sealed, []byte(plain[:4])) {
			t.Errorf("Seal(%.10q…) holds its plain text", plain)
		}
		if again := mustSeal(t, r, plain, "here"); bytes.Equal(sealed, again) {
			t.Errorf("Seal(%.10q…) twice: got the same, want two nonces", plain)
		}
		got, err := seal.New(r.Path()).Open(r.KeyID(), sealed, []byte("here")) // as another process does
		if err != nil || string(got) != plain {
			t.Errorf("Open(Seal(%.10q…)): got %.10q…, %v", plain, got, err)
		}
	}
}

func TestRing_opensNothingElse(t *testing.T) {
	r := newRing(t)
	sealed := mustSeal(t, r, "secret", "here")
	if _, err := r.Open(r.KeyID(), sealed, []byte("there")); err == nil {
		t.Error("Open beside another context: got no error")
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1 << (i % 8)
		if plain, err := r.Open(r.KeyID(), changed, []byte("here")); err == nil {
			t.Errorf("Open with a bit of byte %d flipped: got %q and no error", i, plain)
		}
		if plain, err := r.Open(r.KeyID(), sealed[:i], []byte("here")); err == nil {
			t.Errorf("Open of the first %d bytes: got %q and no error", i, plain)
		}
	}
	if _, err := r.Open("00000000", sealed, []byte("here")); agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), r.Path()) {
		t.Errorf("Open with an unknown key: got %v, want Unusable with the file's path", err)
	}
}

// Of processes that start at once on a new database none may encrypt with a key
// that is not in the file.
func TestCreate_race(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			r := seal.New(path)
			if err := r.Create(); err != nil {
				t.Errorf("Create: got %v, want no error", err)
			}
			ids[i] = r.KeyID()
		})
	}
	wg.Wait()
	if ids = slices.Compact(ids); len(ids) != 1 || ids[0] == "" {
		t.Errorf("20 rings of one new file have the keys %q, want one", ids)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left in the directory: %v, %v; want the key alone", left, err)
	}
}

func TestLoad_refuses(t *testing.T) {
	good, err := os.ReadFile(newRing(t).Path())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(good)), "\n")
	line := lines[len(lines)-1]
	secret := line[9:]
	for _, c := range []struct{ name, content, says string }{
		{"nothing", "", "holds no key"},
		{"comments only", "# a\n\n#b\n", "holds no key"},
		{"a wrong digit", line[:20] + flip(line[20:21]) + line[21:] + "\n", "line 1 is damaged"},
		{"a wrong name", "00000000" + line[8:] + "\n", "line 1 is damaged"},
		{"half a key", "# x\n" + line[:40], "line 2 is damaged"},
		{"no digits", line[:8], "line 1 is damaged"},
		{"more than a key", line + "00\n", "line 1 is damaged"},
		{"one key twice", line + "\n" + line + "\n", "line 2 is damaged"},
		{"bytes", "\xff\x00\x01", "line 1 is damaged"},
		{"a large file", strings.Repeat("# x\n", 20_000), "not a key file"},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		r := seal.New(path)
		err := r.Load()
		if agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("Load of %s: got %v, want Unusable with %q and the path", c.name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), secret[:10]) {
			t.Errorf("Load of %s: the error holds a piece of the key", c.name)
		}
		if err := r.Create(); err == nil {
			t.Errorf("Create over %s: got no error, want the file to be left alone", c.name)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != c.content {
			t.Errorf("%s was changed: %v", c.name, err)
		}
	}
	if err := seal.New(filepath.Join(t.TempDir(), "none")).Load(); agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("Load of no file: got %v, want Unusable", err)
	}
	if err := seal.New(t.TempDir()).Load(); agentbridge.CodeOf(err) != agentbridge.Unusable {
		t.Errorf("Load of a directory: got %v, want Unusable", err)
	}
}

// flip returns another hex digit.
func flip(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

func TestRing_changesItsKeys(t *testing.T) {
	r := newRing(t)
	first := r.KeyID()
	sealed := mustSeal(t, r, "old", "here")
	other := seal.New(r.Path()) // of a process that started before
	if err := other.Load(); err != nil {
		t.Fatal(err)
	}

	second, err := r.Add()
	if err != nil || second == first || r.KeyID() != second {
		t.Fatalf("Add: got %q, %v and newest %q, want another than %q", second, err, r.KeyID(), first)
	}
	fresh := mustSeal(t, r, "new", "here")
	if plain, err := other.Open(second, fresh, []byte("here")); err != nil || string(plain) != "new" {
		t.Errorf("Open in another process with a key that it has not read: got %q, %v", plain, err)
	}
	if plain, err := r.Open(first, sealed, []byte("here")); err != nil || string(plain) != "old" {
		t.Errorf("Open with the old key: got %q, %v", plain, err)
	}

	if removed, err := r.Keep([]string{first}); err != nil || len(removed) != 0 {
		t.Errorf("Keep(all): got %q, %v, want nothing removed", removed, err)
	}
	if removed, err := r.Keep(nil); err != nil || !cmp.Equal(removed, []string{first}) {
		t.Errorf("Keep(none): got %q, %v, want the old one removed and the newest not", removed, err)
	}
	if _, err := r.Open(first, sealed, []byte("here")); err == nil {
		t.Error("Open with a removed key: got no error")
	}
	if diff := cmp.Diff([]string{second}, r.Keys()); diff != "" {
		t.Errorf("Keys: -want +got\n%s", diff)
	}
	raw, err := os.ReadFile(r.Path())
	if err != nil || !strings.HasPrefix(string(raw), "# The keys") || strings.Contains(string(raw), first) {
		t.Errorf("the file is %d bytes, %v; want its comment and not the old key", len(raw), err)
	}
}

// A symbolic link, as secrets are often given to containers, stays one.
func TestRing_changesBehindALink(t *testing.T) {
	r := newRing(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(r.Path(), link); err != nil {
		t.Fatal(err)
	}
	id, err := seal.New(link).Add()
	if err != nil {
		t.Fatalf("Add: got %v, want no error", err)
	}
	if err := r.Load(); err != nil || r.KeyID() != id {
		t.Errorf("newest key of the file: got %q, %v, want %q", r.KeyID(), err, id)
	}
}

// Keys must not get into a log by way of something that holds them.
func TestRing_isNotShown(t *testing.T) {
	r := newRing(t)
	raw, err := os.ReadFile(r.Path())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(raw))
	secret, err := hex.DecodeString(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(map[string]any{"ring": r})
	if err != nil {
		t.Fatal(err)
	}
	shown := string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown += fmt.Sprintf(verb, r) + fmt.Sprintf(verb, []any{r}) + fmt.Sprintf(verb, struct{ R *seal.Ring }{r})
	}
	for _, form := range []string{hex.EncodeToString(secret[:6]), strings.Trim(fmt.Sprint(secret[:6]), "[]"), string(secret[:6])} {
		if strings.Contains(shown, form) {
			t.Errorf("what was printed holds the key as %q", form)
		}
	}
	if !strings.Contains(shown, r.Path()) {
		t.Errorf("what was printed: got %s, want the path", shown)
	}
}

func BenchmarkSeal(b *testing.B) {
	r := seal.New(filepath.Join(b.TempDir(), "key"))
	if err := r.Create(); err != nil {
		b.Fatal(err)
	}
	plain := make([]byte, 1024)
	rand.Read(plain)
	id, context := r.KeyID(), make([]byte, 60)
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Seal(id, plain, context); err != nil {
				b.Fatal(err)
			}
		}
	})
	sealed, err := r.Seal(id, plain, context)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Open(id, sealed, context); err != nil {
				b.Fatal(err)
			}
		}
	})
}
