//go:build unix

package main

import (
	"os"
	"syscall"
)

var failingWrites = []os.Signal{syscall.SIGPIPE, syscall.SIGXFSZ}
