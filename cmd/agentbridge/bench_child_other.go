//go:build !linux

package main

import "syscall"

// childAttributes are the system's own: who is killed here leaves processes.
func childAttributes() *syscall.SysProcAttr { return nil }
