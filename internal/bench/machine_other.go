//go:build !linux

package bench

// processOf looks at a process; false where the system has no /proc.
func processOf(int) (Process, bool) { return Process{}, false }

func kernel() string     { return "" }
func cpuModel() string   { return "" }
func memory() int64      { return 0 }
func loadAverage() *Load { return nil }

func cpuTicks() ticks { return ticks{} }

// Filesystem is the type of the filesystem that a directory is on; "" if
// unknown.
func Filesystem(string) string { return "" }
