package main

import "syscall"

// childAttributes keep a terminal's Ctrl-C from a process that we end ourselves,
// and end it should we be killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
