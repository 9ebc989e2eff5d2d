//go:build !linux

package bench

import "os"

// fdatasync is fsync here, which writes the file's times too.
func fdatasync(f *os.File) error { return f.Sync() }
