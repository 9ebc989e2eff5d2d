package main

import (
	"os"
	"syscall"
)

var failingWrites = []os.Signal{syscall.SIGPIPE}
