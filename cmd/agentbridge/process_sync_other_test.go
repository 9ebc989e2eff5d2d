//go:build !linux

package main

import "os"

// syncData is what the store's commits wait for.
func syncData(f *os.File) error { return f.Sync() }
