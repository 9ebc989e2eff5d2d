package bench

import "time"

// Process is what a process of this machine has used so far.
type Process struct {
	CPU time.Duration // user and system, of all its threads
	RSS int64         // bytes of memory that it holds now
}
