package sqlite

import "maps"

// What the tests of package sqlite_test need and nobody else may have.
const (
	BusyTimeout   = busyTimeout
	GateTimeout   = gateTimeout
	DefaultPoll   = defaultPoll
	ApplicationID = applicationID
)

var DSN = dsn

// Statements adds what the connections that are not in use have prepared.
func (s *Store) Statements(to map[string]bool) {
	leave := make(chan bool)
	if err := s.exclusively(background, func() {
		defer close(leave)
		s.writer.statements(to)
	}); err != nil {
		s.writer.statements(to) // closed: nobody uses it any more
	}
	for _, free := range []chan *session{s.readers, s.glances} {
		for range cap(free) {
			select {
			case r := <-free:
				r.statements(to)
				defer func() { free <- r }()
			default:
			}
		}
	}
}

func (s *session) statements(to map[string]bool) {
	for query := range maps.Keys(s.stmts) {
		to[query] = true
	}
}

// Pragma runs a PRAGMA on the connection that writes and returns its first
// column.
func (s *Store) Pragma(query string) (value any, err error) {
	var failed error
	err = s.exclusively(background, func() {
		var found row
		if found, _, failed = s.writer.one("PRAGMA " + query); len(found) > 0 {
			value = found[0]
		}
	})
	if err == nil {
		err = failed
	}
	return value, err
}

// Rows returns all rows of a query as the readers see them, with NULL for each
// argument.
func (s *Store) Rows(query string) (rows [][]any, err error) {
	r := <-s.readers
	defer func() { s.readers <- r }()
	const enough = 20 // arguments; the driver ignores those that nobody asks for
	err = r.each(query, make([]any, enough), func(found row) (bool, error) {
		var values []any
		for _, v := range found {
			values = append(values, v)
		}
		rows = append(rows, values)
		return true, nil
	})
	return rows, err
}
