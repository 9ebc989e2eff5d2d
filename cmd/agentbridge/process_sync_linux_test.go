package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData is what the store's commits wait for.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
