// Package faults holds the tests that break things: processes are killed and
// stopped, answers are lost, disks fill up, files are replaced, clocks go
// backwards. After each, what was promised must hold (see harness_test.go). It
// has no code but tests.
package faults
