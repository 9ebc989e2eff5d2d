package faults

import "testing"

// files is how many descriptors this process may have: as many as it likes.
func files(testing.TB) int { return 1 << 20 }
