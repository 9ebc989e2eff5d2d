package sqlite

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	sqlite3 "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// applicationID marks our files, so that no other program's database is ever
// taken for one of ours: "abrg" in ASCII.
const applicationID = 0x61627267

//go:embed migrate/*.sql
var migrations embed.FS

// migration is one numbered step; its number becomes the file's user_version.
type migration struct {
	version int
	sql     string
}

func migrationSteps() ([]migration, error) {
	files, err := migrations.ReadDir("migrate")
	if err != nil {
		return nil, err
	}
	var steps []migration
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		text, err := migrations.ReadFile("migrate/" + f.Name())
		if err != nil {
			return nil, err
		}
		steps = append(steps, migration{version, string(text)})
	}
	slices.SortFunc(steps, func(a, b migration) int { return cmp.Compare(a.version, b.version) })
	return steps, nil
}

// examine looks at a file before anything is changed in it or made beside it,
// through connections that can't change it: an ordinary one, when it is the last
// to close, copies a WAL that a crash left behind into the file.
func (s *Store) examine() error {
	// immutable leaves the WAL alone, so that a newer or a foreign file stays as
	// it is. It sees the file without its WAL: between two checkpoints that may
	// look broken, which proves nothing, and what it does not see is looked at
	// again in setUp.
	version, err := examineBy(s.path, "mode=ro&immutable=1", func(r *session) (int, error) {
		if err := r.checkLibrary(); err != nil {
			return 0, err
		}
		steps, err := migrationSteps()
		if err != nil {
			return 0, err
		}
		return r.inspect(s.path, steps)
	})
	whole := resultCode(err) != lib.SQLITE_CORRUPT
	if whole && (err != nil || version == 0) {
		return err
	}
	mode := "mode=rw" // without a WAL there is nothing to copy, and the files made beside it go again
	if _, err := os.Stat(s.path + "-wal"); err == nil {
		mode = "mode=ro"
	}
	_, err = examineBy(s.path, mode, func(r *session) (int, error) {
		if err := s.checkSmall(r); err != nil {
			return 0, err
		}
		return 0, s.vault.look(r)
	})
	return err
}

func examineBy(path, mode string, look func(*session) (int, error)) (int, error) {
	db, err := sqlite3.NewConnector(dsn(path, mode))
	if err != nil {
		return 0, err
	}
	r, err := connect(db, nil)
	if err != nil {
		return 0, err
	}
	version, err := look(r)
	return version, errors.Join(err, r.close())
}

// setUp makes or upgrades the schema in one transaction.
func (w *session) setUp(path string, log *slog.Logger) error {
	steps, err := migrationSteps()
	if err != nil {
		return err
	}
	mode, _, err := w.one("PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode.text(0) != "wal" {
		return unusable(path, "SQLite can't use WAL mode there (it says %q); use a local disk", mode.text(0))
	}
	// Taking the write lock shows now, and not at the first send, that a foreign
	// program holds it.
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	version, err := w.inspect(path, steps) // again: another process may have been first
	if err == nil {
		err = w.upgrade(path, version, steps, log)
	}
	if err != nil {
		_ = w.exec("ROLLBACK")
		return err
	}
	return w.exec("COMMIT")
}

// checkLibrary refuses SQLite versions that can corrupt a WAL with several
// connections (fixed in 3.51.3). Ours is compiled in; this fails a bad build.
func (w *session) checkLibrary() error {
	found, _, err := w.one("SELECT sqlite_version()")
	if err != nil {
		return err
	}
	version := found.text(0)
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return fmt.Errorf("sqlite version %q: %w", version, err)
	}
	if slices.Compare([]int{major, minor, patch}, []int{3, 51, 3}) < 0 {
		return fmt.Errorf("sqlite %s is older than 3.51.3, which fixed a corruption with several connections", version)
	}
	return nil
}

// inspect returns the version of a file of ours, 0 for an empty one, and
// refuses all others.
func (w *session) inspect(path string, steps []migration) (version int, err error) {
	found, _, err := w.one(`
		SELECT
			(SELECT application_id FROM pragma_application_id),
			(SELECT user_version FROM pragma_user_version),
			(SELECT count(*) FROM sqlite_schema)`)
	if err != nil {
		return 0, err
	}
	application, tables := found.int(0), found.int(2)
	version = int(found.int(1))
	latest := steps[len(steps)-1].version
	switch {
	case application == 0 && version == 0 && tables == 0:
		return 0, nil
	case application != applicationID:
		return 0, unusable(path, "it belongs to another program; it was left as it is, name another file")
	case version > latest:
		return 0, unusable(path, "it has version %d and this agentbridge knows up to %d; upgrade agentbridge", version, latest)
	}
	return version, nil
}

func (w *session) upgrade(path string, from int, steps []migration, log *slog.Logger) error {
	for _, step := range steps {
		if step.version <= from {
			continue
		}
		if err := w.exec(step.sql); err != nil {
			return fmt.Errorf("migration %d: %w", step.version, err)
		}
		if step.version == hashedVersion {
			if err := w.hashOlder(path, log); err != nil {
				return err
			}
		}
		if err := w.exec("PRAGMA user_version = " + strconv.Itoa(step.version)); err != nil {
			return err
		}
	}
	if from == 0 {
		return w.exec("PRAGMA application_id = " + strconv.Itoa(applicationID))
	}
	return nil
}

// Setting implements store.Reader.
func (r *reader) Setting(name string) (value string, ok bool, err error) {
	found, ok, err := r.one("SELECT value FROM settings WHERE name = ?", name)
	if ok {
		value = found.text(0)
	}
	return value, ok, err
}

// PutSetting implements store.Tx.
func (t *tx) PutSetting(name, value string) error {
	return t.exec(`
		INSERT INTO settings (name, value)
		VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}
