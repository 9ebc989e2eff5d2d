//go:build !linux

package httpapi_test

import "os"

func fdatasync(f *os.File) error { return f.Sync() }
