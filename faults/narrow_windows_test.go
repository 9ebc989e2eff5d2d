package faults

import "syscall"

const narrows = false

// narrow leaves connections as they are here.
func narrow(_, _ string, _ syscall.RawConn) error { return nil }
