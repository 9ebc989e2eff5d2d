package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/store/storetest"
)

// tamper opens a database as somebody does who knows nothing of agentbridge and
// has SQLite.
func tamper(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	must(t, db, "PRAGMA synchronous = OFF") // nobody will ask for it after a crash
	return db
}

func must(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// signedLog is a store with so many entries, signed at half of them and at all.
func signedLog(t testing.TB, path string, entries int) (*sqlite.Store, audit.Key) {
	t.Helper()
	key, err := audit.LoadOrCreateKey(path+".audit.key", "agentbridge/0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path, sqlite.Options{Alone: true})
	var tree audit.Tree
	if err := s.Update(context.Background(), func(tx store.Tx) error {
		for i := range entries {
			e := typical(i)
			if err := tx.Log(e); err != nil {
				return err
			}
			e.Seq = int64(i + 1)
			tree.Append(nil, audit.AppendEntry(nil, e))
			if tree.Size() != int64(entries) && tree.Size() != int64(entries/2) {
				continue
			}
			c, err := key.Sign(key.Origin(), tree.Size(), tree.Root())
			if err := errors.Join(err, tx.PutCheckpoint(c)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return s, key
}

func verified(t testing.TB, s *sqlite.Store, key audit.Key) (r audit.Report) {
	t.Helper()
	if err := s.View(context.Background(), func(v store.Reader) (err error) {
		r, err = audit.Verify(context.Background(), v, audit.Options{Verifier: key.Verifier()})
		return err
	}); err != nil {
		t.Fatalf("Verify: got %v, want a report", err)
	}
	return r
}

// Bits of every column of an entry and of a checkpoint: all of a number, one of
// each byte of a text. internal/audit flips the others.
func TestAudit_findsEveryBit(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, key := signedLog(t, path, 10)
	if r := verified(t, s, key); len(r.Faults) > 0 || r.Checkpoints != 2 {
		t.Fatalf("Verify before: got %+v, want 2 checkpoints and no fault", r)
	}
	db := tamper(t, path)
	for _, c := range []struct {
		table, column, id string
		row               int64
		number            bool
	}{
		{"audit", "seq", "seq", 4, true},
		{"audit", "at", "seq", 4, true},
		{"audit", "actor", "seq", 4, false},
		{"audit", "action", "seq", 4, false},
		{"audit", "target", "seq", 4, false},
		{"audit", "detail", "seq", 4, false},
		{"audit", "hashes", "seq", 4, false},
		{"checkpoints", "size", "size", 5, true},
		{"checkpoints", "note", "size", 5, false},
	} {
		flipped := 0
		for i := 0; ; i++ {
			bit := i
			if !c.number {
				bit = 8*i + i%8
			}
			undo, more := flip(t, db, c.table, c.column, c.id, c.row, c.number, bit)
			if !more {
				break
			}
			if undo == nil { // there is a row of this number
				continue
			}
			flipped++
			if r := verified(t, s, key); len(r.Faults) == 0 {
				t.Errorf("bit %d of %s.%s: got no fault, want one", bit, c.table, c.column)
			}
			undo()
		}
		if flipped < 4 {
			t.Errorf("bits of %s.%s: got %d flipped, want more", c.table, c.column, flipped)
		}
	}
	if r := verified(t, s, key); len(r.Faults) > 0 {
		t.Errorf("Verify afterwards: got %+v, want no fault", r)
	}
}

// flip changes one bit of a value. more is false behind its last bit; undo is
// nil where the database does not take it.
func flip(t *testing.T, db *sql.DB, table, column, id string, row int64, number bool, bit int) (undo func(), more bool) {
	t.Helper()
	if number {
		var n int64
		if err := db.QueryRow(fmt.Sprintf("SELECT %s FROM %s WHERE %s = ?", column, table, id), row).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if bit == 64 {
			return nil, false
		}
		to := n ^ 1<<bit
		if _, err := db.Exec(fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?", table, column, id), to, row); err != nil {
			return nil, true
		}
		at := row
		if column == id {
			at = to
		}
		return func() { must(t, db, fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?", table, column, id), n, at) }, true
	}
	var b []byte
	var kind string
	if err := db.QueryRow(fmt.Sprintf("SELECT CAST(%s AS BLOB), typeof(%s) FROM %s WHERE %s = ?", column, column, table, id), row).Scan(&b, &kind); err != nil {
		t.Fatal(err)
	}
	if bit >= 8*len(b) {
		return nil, false
	}
	set := fmt.Sprintf("UPDATE %s SET %s = CAST(? AS %s) WHERE %s = ?", table, column, kind, id)
	b[bit/8] ^= 1 << (bit % 8)
	must(t, db, set, b, row)
	b[bit/8] ^= 1 << (bit % 8)
	return func() { must(t, db, set, b, row) }, true
}

// What anybody can do with SQL, and what is found. internal/audit tries more.
func TestAudit_findsWhatSQLDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  string
		want string
	}{
		"edit":               {"UPDATE audit SET actor = 'mallory' WHERE seq = 3", "edit at 3"},
		"no more detail":     {"UPDATE audit SET detail = NULL WHERE seq = 3", "edit at 3"},
		"no longer a detail": {"UPDATE audit SET detail = '' WHERE seq = 3", "edit at 3"},
		"1970":               {"UPDATE audit SET at = 0 WHERE seq = 3", "edit at 3"},
		"delete":             {"DELETE FROM audit WHERE seq = 3", "gap at 3"},
		"insert":             {"INSERT INTO audit SELECT 12, at, actor, action, target, detail, hashes FROM audit WHERE seq = 3", "gap at 11"},
		"insert below":       {"INSERT INTO audit SELECT -1, at, actor, action, target, detail, hashes FROM audit WHERE seq = 3", "fork at -1"},
		"append":             {"DROP TRIGGER audit_has_hashes; INSERT INTO audit (seq, at, actor, action, target) VALUES (11, 1, 'x', 'send', '#x')", "edit at 11"},
		"swap":               {"UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 99", "edit at 3"},
		"cut":                {"DELETE FROM audit WHERE seq > 7", "truncated at 8"},
		"other types":        {"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'audit'; PRAGMA writable_schema = RESET; UPDATE audit SET actor = 5, hashes = 'x' WHERE seq = 3", "edit at 3"},
	} {
		path := newPath(t)
		s, key := signedLog(t, path, 10)
		must(t, tamper(t, path), c.sql)
		r := verified(t, s, key)
		if len(r.Faults) == 0 || fmt.Sprintf("%s at %d", r.Faults[0].Kind, r.Faults[0].Seq) != c.want {
			t.Errorf("%s: got faults %+v, want %s first", name, r.Faults, c.want)
		}
	}
}

// An entry that could not be written is in no tree, also if whoever wrote it
// goes on.
func TestLog_thatFailsLeavesTheTree(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, _ := signedLog(t, path, 7)
	must(t, tamper(t, path), `CREATE TRIGGER no BEFORE INSERT ON audit WHEN new.actor = 'refused' BEGIN SELECT RAISE(ABORT, 'no'); END`)
	if err := s.Update(context.Background(), func(tx store.Tx) error {
		for i := range 5 {
			e := typical(i)
			e.Actor = "refused"
			if err := tx.Log(e); err == nil {
				return errors.New("Log that the database refuses: got no error, want one")
			}
			if err := tx.Log(typical(i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	storetest.Check(t, s)
	if err := s.View(t.Context(), func(r store.Reader) error {
		if last, err := r.LastEntry(); err != nil || last != 12 {
			t.Errorf("LastEntry: got %d, %v, want 12", last, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// older makes a file of version 3 with so many entries.
func older(t testing.TB, path string, entries int) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db := tamper(t, path)
	files, err := filepath.Glob("migrate/000[123]_*.sql")
	if err != nil || len(files) != 3 {
		t.Fatalf("migrations: got %v, %v, want three", files, err)
	}
	for _, name := range files {
		step, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		must(t, db, string(step))
	}
	must(t, db, `
		WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?)
		INSERT INTO audit (seq, at, actor, action, target, detail)
		SELECT seq, 1790000000000000 + seq, 'mac-reviewer', 'send', 'payments:worker',
			iif(seq % 2, '{"bytes":1024,"id":"0198c2b7-1111-8222-b333-444455556666","seq":' || seq || '}', NULL)
		FROM n`, entries)
	must(t, db, fmt.Sprintf("PRAGMA user_version = 3; PRAGMA application_id = %d", sqlite.ApplicationID))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_hashesOlderEntries(t *testing.T) {
	t.Parallel()
	for _, entries := range []int{1, 999, 1000, 1001, 2500} {
		path := newPath(t)
		older(t, path, entries)
		s := open(t, path, sqlite.Options{Alone: true})
		mustPost(t, s, "#build", "first since")
		if err := s.View(t.Context(), func(r store.Reader) error {
			got, err := audit.Verify(t.Context(), r, audit.Options{})
			if err != nil || got.Size != int64(entries+1) || len(got.Faults) > 0 {
				t.Errorf("Verify of an upgraded log: got %+v, %v, want %d entries without a fault", got, err, entries+1)
			}
			list, err := r.EntriesAfter(int64(entries)-1, 1)
			if err != nil || len(list) != 1 || list[0].Target != "payments:worker" {
				t.Errorf("entry %d: got %+v, %v, want it as it was", entries, list, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// There is no tree over a log with a hole in it, and none is made up.
func TestOpen_refusesOlderEntriesWithAGap(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	older(t, path, 1500)
	must(t, tamper(t, path), "DELETE FROM audit WHERE seq = 1200")
	_, err := sqlite.Open(path, sqlite.Options{Alone: true})
	if agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), "1200") {
		t.Errorf("Open: got %v, want a sentence about entry 1200", err)
	}
	var version, hashed int
	if err := tamper(t, path).QueryRow("SELECT user_version, (SELECT count(*) FROM pragma_table_info('audit') WHERE name = 'hashes') FROM pragma_user_version").Scan(&version, &hashed); err != nil || version != 3 || hashed != 0 {
		t.Errorf("file afterwards: got version %d with %d columns for hashes, %v, want it as it was", version, hashed, err)
	}
}

// A process of an earlier version that has the file open when it is upgraded can't
// change it any more: it would write in clear, and entries without hashes.
func TestOpen_locksOutEarlierVersions(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	older(t, path, 3)
	db := tamper(t, path)
	must(t, db, "PRAGMA journal_mode = WAL")
	earlier, err := db.Prepare("INSERT INTO audit (seq, at, actor, action, target) VALUES (?, 1, 'old', 'send', '#old')")
	if err != nil {
		t.Fatal(err)
	}
	defer earlier.Close()
	if _, err := earlier.Exec(4); err != nil {
		t.Fatalf("entry before the upgrade: got %v, want no error", err)
	}
	s := open(t, path, sqlite.Options{})
	for seq := 5; seq < 8; seq++ {
		if _, err := earlier.Exec(seq); err == nil || !strings.Contains(err.Error(), "restart this program with the new version") {
			t.Errorf("entry without hashes after the upgrade: got %v, want a refusal that says to restart", err)
		}
		mustPost(t, s, "#build", "new")
	}
	if err := s.View(t.Context(), func(r store.Reader) error {
		got, err := audit.Verify(t.Context(), r, audit.Options{})
		if err != nil || got.Size != 7 || len(got.Faults) > 0 {
			t.Errorf("Verify: got %+v, %v, want 7 entries without a fault", got, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// The upgrade of a long log takes seconds, of which somebody is told.
func TestOpen_saysThatItUpgrades(t *testing.T) {
	t.Parallel()
	for entries, want := range map[int]bool{100: false, 50_001: true} {
		var log bytes.Buffer
		path := newPath(t)
		older(t, path, entries)
		open(t, path, sqlite.Options{Alone: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if told := strings.Contains(log.String(), "is upgraded now"); told != want {
			t.Errorf("upgrade of %d entries: got log %q, want a line: %v", entries, log.String(), want)
		}
	}
}
