package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/audit"

	"github.com/rogpeppe/go-internal/testscript"
)

// This file is what attackers of the audit log have: SQLite, and copies of files.

// sql DB STATEMENT... edits a database as anybody with the sqlite3 program would.
func editDatabase(ts *testscript.TestScript, _ bool, args []string) {
	db := openRaw(ts, args[0])
	defer db.Close()
	for _, statement := range args[1:] {
		result, err := db.Exec(statement)
		ts.Check(err)
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			ts.Fatalf("%s: it changed nothing (%v)", statement, err)
		}
	}
}

func openRaw(ts *testscript.TestScript, path string) *sql.DB {
	path = ts.MkAbs(path)
	if _, err := os.Stat(path); err != nil {
		ts.Fatalf("%v", err)
	}
	db, err := sql.Open("sqlite", path)
	ts.Check(err)
	db.SetMaxOpenConns(1)
	return db
}

// forge DB [KEYFILE] writes the log's hashes anew, so that they fit the entries
// as they are, and with a key file signs all checkpoints of what is there anew.
func forgeLog(ts *testscript.TestScript, _ bool, args []string) {
	db := openRaw(ts, args[0])
	defer db.Close()
	roots := rehash(ts, db)
	if len(args) == 1 {
		return
	}
	key, err := audit.LoadKey(ts.MkAbs(args[1]))
	ts.Check(err)
	_, err = db.Exec("DELETE FROM checkpoints")
	ts.Check(err)
	for size, root := range roots {
		c, err := key.Sign(key.Origin(), size, root)
		ts.Check(err)
		_, err = db.Exec("INSERT INTO checkpoints (size, note) VALUES (?, ?)", c.Size, c.Note)
		ts.Check(err)
	}
}

// rehash returns the root of each size.
func rehash(ts *testscript.TestScript, db *sql.DB) map[int64]audit.Hash {
	rows, err := db.Query("SELECT seq, at, actor, action, target, detail FROM audit ORDER BY seq")
	ts.Check(err)
	var tree audit.Tree
	roots, kept := map[int64]audit.Hash{}, map[int64][]byte{}
	for rows.Next() {
		var e agentbridge.Entry
		var at int64
		var detail *string
		ts.Check(rows.Scan(&e.Seq, &at, &e.Actor, &e.Action, &e.Target, &detail))
		e.At = time.UnixMicro(at)
		if detail != nil {
			e.Detail = agentbridge.Metadata(*detail)
		}
		kept[e.Seq] = tree.Append(nil, audit.AppendEntry(nil, e))
		roots[tree.Size()] = tree.Root()
	}
	ts.Check(rows.Err())
	for seq, hashes := range kept {
		_, err := db.Exec("UPDATE audit SET hashes = ? WHERE seq = ?", hashes, seq)
		ts.Check(err)
	}
	return roots
}

// newkey DB FILE makes a key of the attacker's own for the database's log, and
// has the database name it as the one that signs.
func plantKey(ts *testscript.TestScript, _ bool, args []string) {
	db := openRaw(ts, args[0])
	defer db.Close()
	var id string
	ts.Check(db.QueryRow("SELECT value FROM settings WHERE name = 'database_id'").Scan(&id))
	key, err := audit.LoadOrCreateKey(ts.MkAbs(args[1]), "agentbridge/"+id)
	ts.Check(err)
	_, err = db.Exec("UPDATE settings SET value = ? WHERE name = 'audit_verifier'", key.Verifier())
	ts.Check(err)
}

// flip FILE LINE flips a bit in the middle of a line.
func flipBit(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(ts.ReadFile(args[0]), "\n")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	line := []byte(lines[n-1])
	line[len(line)/2] ^= 1
	lines[n-1] = string(line)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines, "\n")), 0o600))
}

// only DIR NAME... checks that a directory holds these files and no others.
func wantOnly(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), strings.Join(args[1:], " "); got != want {
		ts.Fatalf("%s holds %s, want %s", filepath.Base(args[0]), got, want)
	}
}
