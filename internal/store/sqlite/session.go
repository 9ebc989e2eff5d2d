package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	sqlite3 "modernc.org/sqlite"
)

// session is one connection with its prepared statements, used by one
// goroutine at a time. It talks to the driver directly: database/sql's pool,
// conversions and locks would cost a send as much as SQLite itself does.
//
// No context reaches SQLite. The driver would start a watcher for each
// statement, and a query cut off in the middle of a transaction costs more
// than letting it end; every statement here is bounded by a limit.
type session struct {
	conn  driver.Conn
	stmts map[string]stmt
	vault *vault // how bodies lie in the file
}

// stmt is what the driver's statements can do.
type stmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

var background = context.Background()

func (s *session) prepare(query string) (stmt, error) {
	if st, ok := s.stmts[query]; ok {
		return st, nil
	}
	prepared, err := s.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	st, ok := prepared.(stmt)
	if !ok {
		return nil, fmt.Errorf("the sqlite driver's statements are %T", prepared)
	}
	s.stmts[query] = st
	return st, nil
}

// named makes driver arguments of the types that STRICT tables hold.
func named(args []any) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case int:
			a = int64(v)
		case bool:
			a = int64(0)
			if v {
				a = int64(1)
			}
		}
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return list
}

func (s *session) exec(query string, args ...any) error {
	_, err := s.run(query, args...)
	return err
}

func (s *session) run(query string, args ...any) (driver.Result, error) {
	st, err := s.prepare(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(background, named(args))
}

// execContext is exec for what may take long and may be interrupted.
func (s *session) execContext(ctx context.Context, query string) error {
	st, err := s.prepare(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(ctx, nil)
	return err
}

// changed runs a statement and returns how many rows it changed.
func (s *session) changed(query string, args ...any) (int64, error) {
	r, err := s.run(query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// row is one row of a result. The schema is STRICT, so a column's Go type is
// known; a wrong accessor is a bug and panics.
type row []driver.Value

func (r row) int(i int) int64   { return r[i].(int64) }
func (r row) text(i int) string { return r[i].(string) }
func (r row) blob(i int) []byte { return r[i].([]byte) }
func (r row) null(i int) bool   { return r[i] == nil }

// one returns the first row; ok is false if there is none.
func (s *session) one(query string, args ...any) (first row, ok bool, err error) {
	err = s.each(query, args, func(r row) (bool, error) {
		first, ok = r, true
		return false, nil
	})
	return first, ok, err
}

// each calls f for every row until it returns false. The row is only valid
// during the call, except for the last.
//
// A parameter of a query's LIMIT is written "? + 0": SQLite uses the value of a
// bare one in its plan, and so plans anew whenever it is bound.
func (s *session) each(query string, args []any, f func(row) (bool, error)) (err error) {
	st, err := s.prepare(query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(background, named(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	r := make(row, len(rows.Columns()))
	for {
		switch err := rows.Next(r); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if again, err := f(r); err != nil || !again {
			return err
		}
	}
}

// dataVersion is a number that changes with every commit: with another
// connection's when the next transaction begins, with our own at once.
func (s *session) dataVersion() (uint32, error) {
	control, ok := s.conn.(sqlite3.FileControl)
	if !ok {
		return 0, fmt.Errorf("the sqlite driver's connections are %T", s.conn)
	}
	return control.FileControlDataVersion("main")
}

// head is the number of the last audit entry, 0 if there is none.
func (s *session) head() (int64, error) {
	r, ok, err := s.one(`
		SELECT seq
		FROM audit
		ORDER BY seq DESC
		LIMIT 1`)
	if !ok {
		return 0, err
	}
	return r.int(0), err
}

func (s *session) close() error {
	var err error
	for _, st := range s.stmts {
		err = errors.Join(err, st.Close())
	}
	return errors.Join(err, s.conn.Close())
}
