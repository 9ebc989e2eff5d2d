//go:build unix

package sqlite_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/seal"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/store/storetest"

	"github.com/google/go-cmp/cmp"
)

// encrypted are options for an encrypted database with its key beside it.
func encrypted(path string) sqlite.Options {
	ring := ringOf(path)
	return sqlite.Options{Sealer: ring, Encrypt: ring.Create, Reseal: true}
}

func ringOf(path string) *seal.Ring { return seal.New(path + ".encryption.key") }

// A store that seals does all that another one does.
func TestStore_sealed(t *testing.T) {
	t.Parallel()
	var paths sync.Map // *testing.T → its database
	storetest.Run(t, func(t *testing.T) store.Store {
		path, _ := paths.LoadOrStore(t, newPath(t))
		return open(t, path.(string), encrypted(path.(string)))
	})
}

// postAs stores a message that may have everything.
func postAs(t testing.TB, s *sqlite.Store, name agentbridge.ChannelName, m agentbridge.Message) agentbridge.Message {
	t.Helper()
	err := s.Update(context.Background(), func(u store.Tx) error {
		c, err := u.OpenChannel(name, false)
		if err != nil {
			return err
		}
		m, err = u.Append(c, m)
		return err
	})
	if err != nil {
		t.Fatalf("Append: got %v, want no error", err)
	}
	return m
}

// read returns all messages of a channel.
func read(s *sqlite.Store, name agentbridge.ChannelName) (page []agentbridge.Message, err error) {
	err = s.View(context.Background(), func(r store.Reader) error {
		c, _, err := r.Channel(name)
		if err != nil {
			return err
		}
		page, _, err = r.After(c, 0, store.Span{Limit: 10_000, MaxBytes: 1 << 30})
		return err
	})
	return page, err
}

func mustRead(t testing.TB, s *sqlite.Store, name agentbridge.ChannelName) (texts []string) {
	t.Helper()
	page, err := read(s, name)
	if err != nil {
		t.Fatalf("read %s: got %v, want no error", name, err)
	}
	for _, m := range page {
		texts = append(texts, m.Content)
	}
	return texts
}

func encryption(t testing.TB, s *sqlite.Store) sqlite.Encryption {
	t.Helper()
	e, err := s.Encryption(context.Background())
	if err != nil {
		t.Fatalf("Encryption: got %v, want no error", err)
	}
	return e
}

// settled waits until everything is sealed with one key.
func settled(t testing.TB, s *sqlite.Store) sqlite.Encryption {
	t.Helper()
	if err := s.Reseal(context.Background()); err != nil {
		t.Fatalf("Reseal: got %v, want no error", err)
	}
	return encryption(t, s)
}

// steal looks for texts, in any common form, in all files of a directory but
// the keys.
func steal(t testing.TB, when, dir string, texts ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".key") {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			for _, form := range forms(text) {
				if n := bytes.Count(content, form); n > 0 {
					t.Errorf("%s: %s holds %q %d times, as %q", when, filepath.Base(file), text, n, form)
				}
			}
		}
	}
}

// forms are ways to write a text: in base64 it looks different at each of three
// offsets.
func forms(text string) [][]byte {
	list := [][]byte{[]byte(text), []byte(hex.EncodeToString([]byte(text))), []byte(strings.ToUpper(hex.EncodeToString([]byte(text))))}
	for skip := range 3 {
		whole := text[skip : skip+(len(text)-skip)/3*3]
		list = append(list, []byte(base64.StdEncoding.EncodeToString([]byte(whole))))
	}
	return list
}

const secretText, secretMeta = "the-eagle-lands-at-midnight", "files-about-the-eagle"

func TestSealed_thief(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, encrypted(path))
	for i := range 50 {
		postAs(t, s, "#build", agentbridge.Message{Sender: "test", At: time.Now(), Encoding: agentbridge.LegacyText,
			Content: strings.Repeat(fmt.Sprintf("%d %s ", i, secretText), 1+i*10), Metadata: agentbridge.Metadata(`{"files":"` + secretMeta + `"}`)})
	}
	steal(t, "after sealed sends", filepath.Dir(path), secretText, secretMeta)
	page, err := read(s, "#build")
	if err != nil || len(page) != 50 || !strings.Contains(page[49].Content, secretText) || !strings.Contains(string(page[49].Metadata), secretMeta) {
		t.Errorf("read: got %d messages, %v; want all, in clear", len(page), err)
	}
}

// A database that was used in clear for a while has remains of messages in the
// unused parts of its pages, from rows that were moved about. They must go too.
func TestSealed_thiefOfAnOldDatabase(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	old := open(t, path, sqlite.Options{})
	use(t, old)
	want := mustRead(t, old, "#4")
	held := encryption(t, old).Messages[""]

	s := open(t, path, encrypted(path)) // while old goes on
	e := settled(t, s)
	if e.Key == "" || e.Unfinished || e.Messages[""] != 0 || e.Messages[e.Key] != held {
		t.Errorf("Encryption: got %+v, want %d messages with one key", e, held)
	}
	steal(t, "after it was encrypted", filepath.Dir(path), secretText, secretMeta)
	if diff := cmp.Diff(want, mustRead(t, s, "#4")); diff != "" {
		t.Errorf("messages: -in clear +encrypted\n%s", diff)
	}
	wantEntries(t, s, agentbridge.ActionEncrypt, fmt.Sprintf(`{"key":"%s","messages":%d}`, e.Key, held))
	if err := rotate(s, ringOf(path)); err != nil {
		t.Fatal(err)
	}
	steal(t, "after it got another key", filepath.Dir(path), secretText, secretMeta)
}

// use writes and clears messages of many sizes, so that SQLite splits and joins
// pages.
func use(t testing.TB, s *sqlite.Store) {
	random := rand.New(rand.NewPCG(1, 1)) // leaves remains in three places
	for round := range 4 {
		err := s.Update(context.Background(), func(u store.Tx) error {
			for range 250 {
				c, err := u.OpenChannel(agentbridge.ChannelName(fmt.Sprintf("#%d", random.IntN(5))), false)
				if err != nil {
					return err
				}
				m := agentbridge.Message{Sender: "test", At: time.Now(), Encoding: agentbridge.LegacyText, Metadata: agentbridge.Metadata(`{"files":"` + secretMeta + `"}`)}
				m.Content = secretText + strings.Repeat("z", random.IntN(1200))
				if _, err := u.Append(c, m); err != nil {
					return err
				}
			}
			c, _, err := u.Channel(agentbridge.ChannelName(fmt.Sprintf("#%d", round)))
			if err != nil {
				return err
			}
			_, err = u.ClearChannel(c)
			return err
		})
		for left := int64(1); left > 0 && err == nil; {
			err = s.Update(context.Background(), func(u store.Tx) (err error) { left, err = u.Sweep(100); return err })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantEntries checks the details of all audit entries of an action.
func wantEntries(t testing.TB, s *sqlite.Store, action agentbridge.Action, want ...string) {
	t.Helper()
	var got []string
	err := s.View(context.Background(), func(r store.Reader) error {
		list, err := r.EntriesAfter(0, 100_000)
		for _, e := range list {
			if e.Action == action {
				got = append(got, string(e.Detail))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit entries %s: -want +got\n%s", action, diff)
	}
}

// Whoever may write to the file can't make a message say something else: what
// was changed is shown as that, and the rest of the channel can be read.
func TestSealed_changedRows(t *testing.T) {
	t.Parallel()
	const placeholder = "can't be decrypted"
	for name, c := range map[string]struct {
		change string // of a database with messages 1 to 4, the last in another channel
		broken string // which ones don't open then
	}{
		"nothing":             {"SELECT 1", ""},
		"bodies swapped":      {"UPDATE messages SET sealed = o.sealed FROM (SELECT seq, sealed FROM messages) AS o WHERE o.seq = 3 - messages.seq AND messages.seq < 3", "1 2"},
		"moved":               {"UPDATE messages SET seq = 9 WHERE seq = 2", "9"},
		"another channel":     {"UPDATE messages SET channel_id = 1 WHERE seq = 4", "4"},
		"another sender":      {"UPDATE messages SET sender = 'boss' WHERE seq = 2", "2"},
		"verified":            {"UPDATE messages SET verified = 1 WHERE seq = 2", "2"},
		"another encoding":    {"UPDATE messages SET encoding = 'structured' WHERE seq = 2", "2"},
		"another time":        {"UPDATE messages SET sent_at = sent_at + 1 WHERE seq = 2", "2"},
		"another key's name":  {"UPDATE messages SET sealed_by = '00000000' WHERE seq = 2", "2"},
		"a hostile key name":  {"UPDATE messages SET sealed_by = char(27) || '[2J' WHERE seq = 2", "2"},
		"a changed last byte": {"UPDATE messages SET sealed = unhex(substr(hex(sealed), 1, 2*length(sealed)-2) || printf('%02X', 255)) WHERE seq = 2", "2"},
		"cut off":             {"UPDATE messages SET sealed = substr(sealed, 1, 5) WHERE seq = 2", "2"},
		"empty":               {"UPDATE messages SET sealed = x'' WHERE seq = 2", "2"},
		"content beside it":   {"UPDATE messages SET content = 'forged', metadata = '{}' WHERE seq = 2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s, err := sqlite.Open(path, encrypted(path))
			if err != nil {
				t.Fatal(err)
			}
			for i, channel := range []agentbridge.ChannelName{"#a", "#a", "#a", "#b"} {
				postAs(t, s, channel, agentbridge.Message{Sender: "test", Content: fmt.Sprintf("text %d", i+1), Encoding: agentbridge.LegacyText, At: time.Now()})
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			run(t, path, c.change)
			var log bytes.Buffer
			opts := encrypted(path)
			opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
			s = open(t, path, opts)
			var broken []string
			count := 0
			for _, name := range []agentbridge.ChannelName{"#a", "#b"} {
				page, err := read(s, name)
				if err != nil {
					t.Errorf("read %s: got %v, want no error", name, err)
				}
				for _, m := range page {
					count++
					if strings.Contains(m.Content, placeholder) {
						broken = append(broken, fmt.Sprint(m.Seq))
						if m.Encoding != agentbridge.LegacyText || m.Metadata != nil || m.Verified || !strings.Contains(log.String(), string(m.ID)) {
							t.Errorf("message %d: got %+v, want a plain text, and its id in the log %s", m.Seq, m, log.String())
						}
					} else if !strings.HasPrefix(m.Content, "text ") || m.Metadata != nil {
						t.Errorf("message %d: got %q, want its text or a placeholder", m.Seq, m.Content)
					}
				}
			}
			if got := strings.Join(broken, " "); got != c.broken || count != 4 {
				t.Errorf("of %d messages these don't open: %q, want %q of 4", count, got, c.broken)
			}
			if strings.ContainsRune(log.String(), '\x1b') {
				t.Errorf("the log holds an escape: %q", log.String())
			}
		})
	}
}

// Without its key a database is refused before anything is changed, with what
// is missing and where it can be named.
func TestOpen_withoutTheKey(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := sqlite.Open(path, encrypted(path))
	if err != nil {
		t.Fatal(err)
	}
	mustPost(t, s, "#build", "x")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ring := ringOf(path)
	if err := ring.Load(); err != nil {
		t.Fatal(err)
	}
	id := ring.KeyID()
	other := newPath(t)
	if err := ringOf(other).Create(); err != nil {
		t.Fatal(err)
	}
	damaged := newPath(t)
	write(t, damaged+".encryption.key", []byte(id+" 00\n"))
	before := picture(t, filepath.Dir(path))
	for _, c := range []struct {
		name string
		opts sqlite.Options
		says []string
	}{
		{"no sealer", sqlite.Options{}, []string{id, "--encryption-key"}},
		{"no key file", encrypted(newPath(t)), []string{"does not exist", "--encryption-key"}},
		{"another database's key", encrypted(other), []string{id, other, "--encryption-key"}},
		{"a damaged key file", encrypted(damaged), []string{"damaged", damaged}},
	} {
		_, err := sqlite.Open(path, c.opts)
		if agentbridge.CodeOf(err) != agentbridge.Unusable {
			t.Errorf("Open with %s: got %v, want Unusable", c.name, err)
			continue
		}
		for _, text := range c.says {
			if !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Open with %s: got %q, want one line with %q", c.name, err, text)
			}
		}
		if diff := cmp.Diff(before, picture(t, filepath.Dir(path))); diff != "" {
			t.Errorf("Open with %s changed files: -before +after\n%s", c.name, diff)
		}
	}
	run(t, path, "UPDATE settings SET value = substr(value, 1, 9) || 'AAAA' WHERE name = 'encryption'")
	if _, err := sqlite.Open(path, encrypted(path)); agentbridge.CodeOf(err) != agentbridge.Unusable {
		t.Errorf("Open with a damaged mark: got %v, want Unusable", err)
	}
}

// A process that has the database open when another one encrypts it must not
// write a word in clear afterwards, nor show placeholders for what it only
// lacks the key to.
func TestSealed_byAnotherProcess(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	bare := open(t, path, sqlite.Options{})
	aware := open(t, path, sqlite.Options{Sealer: ringOf(path)})
	mustPost(t, bare, "#build", "from bare")
	mustPost(t, aware, "#build", "from aware")

	first := open(t, path, encrypted(path))
	if _, err := post(bare, "#build", "never"); agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), "restart it with --encrypt") {
		t.Errorf("post without a key: got %v, want Unusable and to restart", err)
	}
	mustPost(t, aware, "#build", secretText)
	if e := settled(t, first); e.Messages[""] != 0 || e.Messages[e.Key] != 3 {
		t.Errorf("Encryption: got %+v, want all 3 messages with its key", e)
	}
	steal(t, "of all processes", filepath.Dir(path), secretText)
	if page, err := read(bare, "#build"); agentbridge.CodeOf(err) != agentbridge.Unusable {
		t.Errorf("read without a key: got %v, %v, want Unusable", page, err)
	}
	want := []string{"from bare", "from aware", secretText}
	if diff := cmp.Diff(want, mustRead(t, aware, "#build")); diff != "" {
		t.Errorf("messages: -want +got\n%s", diff)
	}
	if _, err := post(bare, "#build", "never"); agentbridge.CodeOf(err) != agentbridge.Unusable {
		t.Errorf("post without a key, again: got %v, want Unusable", err)
	}
}

// A mark that is taken away must not make a bridge write in clear.
func TestSealed_withoutItsMark(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, encrypted(path))
	mustPost(t, s, "#build", secretText)
	run(t, path, "DELETE FROM settings WHERE name = 'encryption'")
	if _, err := post(s, "#build", "never"); agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("post without the mark: got %v, want Unusable and to restore a backup", err)
	}
	if diff := cmp.Diff([]string{secretText}, mustRead(t, s, "#build")); diff != "" {
		t.Errorf("messages: -want +got\n%s", diff)
	}
}
