package sqlite

import "os"

// writable asks without opening the file, which would cost SQLite its locks.
func writable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o200 != 0
}
