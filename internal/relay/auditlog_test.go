package relay_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"agentbridge/bridgetest"
	"agentbridge/internal/audit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store/sqlite"
)

// A bit of the log flips, wherever it may be: verify finds it, without anything
// from outside.
func TestAuditLog_flippedBits(t *testing.T) {
	dir := t.TempDir()
	b := bridgetest.Open(t, dir, relay.Options{})
	alice := b.Agent("alice")
	alice.MustSend("#c", "one")
	alice.MustSend("#c", "two")
	conv, _ := b.Pair("author", "reviewer")
	if _, _, err := b.Operator().Tokens(t.Context(), conv.Credential.Conversation); err != nil { // an entry without detail
		t.Fatal(err)
	}
	alice.MustSend("#c", "three")
	b.Close()

	db, err := sql.Open("sqlite", filepath.Join(dir, bridgetest.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA synchronous = OFF"); err != nil { // nobody pulls the plug on this one
		t.Fatal(err)
	}
	f := &flipper{T: t, db: db, log: look(t, dir)}
	if found := f.verify(); len(found) > 0 {
		t.Fatalf("before anything was flipped: %v", found)
	}
	for _, row := range []struct{ table, key string }{
		{"audit", "seq = 2"}, {"audit", "seq = 4"}, {"audit", "seq = 5"}, {"checkpoints", "size = 5"},
	} {
		f.row(row.table, row.key)
	}
	t.Logf("%d bits flipped", f.count)
}

// look is the log of a directory's database, opened for evidence.
func look(t *testing.T, dir string) relay.AuditLog {
	t.Helper()
	db, err := sqlite.OpenLook(filepath.Join(dir, bridgetest.Database), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return relay.AuditLog{Store: db, KeyFile: filepath.Join(dir, bridgetest.KeyFile), AuditKeyFile: filepath.Join(dir, bridgetest.AuditKeyFile)}
}

// flipper flips bits of a database and looks whether it is found out.
type flipper struct {
	*testing.T
	db    *sql.DB
	log   relay.AuditLog
	count int
}

func (f *flipper) verify() []audit.Fault {
	f.Helper()
	report, err := f.log.Verify(f.Context(), relay.AuditCheck{})
	if err != nil {
		f.Fatalf("Verify() = %v", err)
	}
	return report.Faults
}

// row flips bits in each column of a row, one at a time.
func (f *flipper) row(table, key string) {
	f.Helper()
	rows, err := f.db.Query(fmt.Sprintf("SELECT * FROM %s WHERE %s", table, key))
	if err != nil {
		f.Fatal(err)
	}
	names, err := rows.Columns()
	if err != nil || !rows.Next() {
		f.Fatalf("%s has no row with %s, %v", table, key, err)
	}
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		f.Fatal(err)
	}
	rows.Close()
	for i, name := range names {
		for _, flipped := range flips(values[i]) {
			f.flip(table, key, name, values[i], flipped)
		}
	}
}

// flip writes another value, verifies, and takes it back.
func (f *flipper) flip(table, key, column string, old, value any) {
	f.Helper()
	f.count++
	var id int64
	if err := f.db.QueryRow(fmt.Sprintf("SELECT rowid FROM %s WHERE %s", table, key)).Scan(&id); err != nil {
		f.Fatal(err)
	}
	set := fmt.Sprintf("UPDATE %s SET %s = ? WHERE rowid = ?", table, column)
	if _, err := f.db.Exec(set, value, id); err != nil {
		f.Fatalf("%s: %v", set, err)
	}
	if len(f.verify()) == 0 {
		f.Errorf("%s.%s where %s: %v became %v, and nobody noticed", table, column, key, old, value)
	}
	if n, ok := value.(int64); ok && (column == "seq" || column == "size") { // it is the row's id
		id = n
	}
	if _, err := f.db.Exec(set, old, id); err != nil {
		f.Fatal(err)
	}
}

// flips are values that differ from one by a bit. For one that is not there it
// is the nearest that is.
func flips(value any) (list []any) {
	switch v := value.(type) {
	case nil:
		return []any{"", "{}"}
	case int64:
		for _, bit := range []int{3, 20, 62, 63} { // below, it may be the next row's number
			list = append(list, v^1<<bit)
		}
	case string:
		if v == "" {
			return []any{"\x00"}
		}
		for i := range len(v) {
			b := []byte(v)
			b[i] ^= 1 << (i % 7)
			list = append(list, string(b))
		}
	case []byte:
		for i := range len(v) {
			b := append([]byte(nil), v...)
			b[i] ^= 1 << (i % 8)
			list = append(list, b)
		}
	default:
		panic(fmt.Sprintf("a column is %T", value))
	}
	return list
}

// The log is as sound after conversations end, channels are cleared and messages
// expire as before: what is gone by right is missed by nobody.
func TestAuditLog_removedByRight(t *testing.T) {
	dir := t.TempDir()
	b := bridgetest.Open(t, dir, relay.Options{})
	alice, bob := b.Agent("alice"), b.Agent("bob")
	for range 3 {
		alice.MustSend("#a", "x")
		bob.MustSend("#b", "x")
	}
	alice.MustClear("#a")
	alice.MustSend("#a", "y")
	alice.MustClear("#a")
	alice.MustSend("#a", "z")
	b.Close()
	report, err := look(t, dir).Verify(t.Context(), relay.AuditCheck{})
	if err != nil || len(report.Faults) > 0 || report.Compared != 4 || report.NotCompared != 0 {
		t.Errorf("Verify() = %+v, %v; want four messages and no faults", report, err)
	}
}

// Without the master key all but the texts can be checked.
func TestAuditLog_withoutMasterKey(t *testing.T) {
	dir := t.TempDir()
	b := bridgetest.Open(t, dir, relay.Options{})
	b.Agent("alice").MustSend("#a", "x")
	b.Close()
	log := look(t, dir)
	log.KeyFile = filepath.Join(dir, "nowhere")
	report, err := log.Verify(t.Context(), relay.AuditCheck{})
	if err != nil || len(report.Faults) > 0 || report.Compared != 0 || report.NotCompared != 1 || report.Why == "" {
		t.Errorf("Verify() = %+v, %v", report, err)
	}
	edit(t, dir, "UPDATE messages SET sender = 'bob'")
	report, err = log.Verify(t.Context(), relay.AuditCheck{})
	if err != nil || len(report.Faults) != 1 || report.Faults[0].Kind != "message-edit" {
		t.Errorf("Verify() of an edited sender = %+v, %v", report, err)
	}
}
