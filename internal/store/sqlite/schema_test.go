package sqlite_test

import (
	"database/sql"
	"os"
	"regexp"
	"strings"
	"testing"

	"agentbridge/internal/store/sqlite"

	"github.com/google/go-cmp/cmp"
)

var (
	asks  = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE)\b`)
	walks = regexp.MustCompile(`^SCAN (m|messages|r|receipts|audit|k|idempotency_keys|buckets)\b`)
)

// bareLimit is a limit that has SQLite plan the statement anew whenever it is
// bound.
var bareLimit = regexp.MustCompile(`LIMIT \?\d*\s*(\)|$)`)

// testPlans asks SQLite how it would run each statement: none may walk through
// a table that grows with use.
func testPlans(t *testing.T, statements map[string]bool) {
	s := open(t, newPath(t), sqlite.Options{Alone: true})
	asked := map[string]bool{} // tables that some plan names
	for query := range statements {
		query = strings.TrimSpace(query)
		if !asks.MatchString(query) {
			continue
		}
		if bareLimit.MatchString(query) {
			t.Errorf("statement %s:\n got a bare LIMIT parameter, want LIMIT ? + 0", query)
		}
		plan := planOf(t, s, query)
		for _, table := range []string{"audit", "messages", "receipts", "idempotency_keys", "buckets"} {
			asked[table] = asked[table] || strings.Contains(query, table)
		}
		for _, step := range plan {
			// Without a WHERE and bounded by LIMIT a scan is how SQLite calls a
			// look at one end of the table.
			atEnd := strings.HasSuffix(query, "LIMIT 1") && !strings.Contains(query, "WHERE") && len(plan) == 1
			if walks.MatchString(step) && !atEnd {
				t.Errorf("plan of %s:\n got %s\nwant no scan", query, step)
			}
		}
	}
	if len(asked) != 5 {
		t.Errorf("tables in the plans: got %v, want all that grow", asked)
	}
}

func planOf(t *testing.T, s *sqlite.Store, query string) (plan []string) {
	rows, err := s.Rows("EXPLAIN QUERY PLAN " + query)
	if err != nil {
		t.Errorf("EXPLAIN QUERY PLAN %s:\n got %v\nwant a plan", query, err)
	}
	for _, r := range rows {
		plan = append(plan, r[3].(string))
	}
	return plan
}

// schema.sql is what people read, the migrations are what runs. They must not
// drift apart.
func TestSchema_isWhatTheMigrationsMake(t *testing.T) {
	text, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	migrated := open(t, newPath(t), sqlite.Options{Alone: true})
	if diff := cmp.Diff(schemaOf(t, string(text)), normalised(t, migrated)); diff != "" {
		t.Errorf("schema.sql (-) and the migrations (+) differ:\n%s", diff)
	}
}

const schemaQuery = `
	SELECT name, sql
	FROM sqlite_schema
	WHERE sql IS NOT NULL
	ORDER BY name`

// schemaOf runs schema.sql in an empty database and returns what came of it.
func schemaOf(t *testing.T, text string) map[string]string {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(text); err != nil {
		t.Fatalf("schema.sql: got %v, want no error", err)
	}
	rows, err := db.Query(schemaQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	schema := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		schema[name] = normalise(text)
	}
	return schema
}

func normalised(t *testing.T, s *sqlite.Store) map[string]string {
	rows, err := s.Rows(schemaQuery)
	if err != nil {
		t.Fatal(err)
	}
	schema := map[string]string{}
	for _, r := range rows {
		schema[r[0].(string)] = normalise(r[1].(string))
	}
	return schema
}

var comment = regexp.MustCompile(`--.*`)

// normalise leaves out comments and how a statement is laid out.
func normalise(text string) string {
	text = strings.Join(strings.Fields(comment.ReplaceAllString(text, "")), " ")
	return strings.NewReplacer(" ,", ",", " )", ")").Replace(text)
}

func TestSchema_isStrict(t *testing.T) {
	s := open(t, newPath(t), sqlite.Options{Alone: true})
	tables, err := s.Rows(`SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) < 10 {
		t.Errorf("tables: got %v, want at least ten", tables)
	}
	for _, table := range tables {
		if table[1] != int64(1) {
			t.Errorf("table %v: got strict %v, want 1", table[0], table[1])
		}
	}
}

// These are what "on disk" and "overwritten" rest upon.
func TestWriter_pragmas(t *testing.T) {
	s := open(t, newPath(t), sqlite.Options{Alone: true})
	for name, want := range map[string]any{
		"synchronous":    int64(2),
		"journal_mode":   "wal",
		"foreign_keys":   int64(1),
		"secure_delete":  int64(1),
		"trusted_schema": int64(0),
		"busy_timeout":   sqlite.BusyTimeout.Milliseconds(),
	} {
		if got, err := s.Pragma(name); got != want || err != nil {
			t.Errorf("PRAGMA %s: got %v, %v, want %v", name, got, err, want)
		}
	}
}
