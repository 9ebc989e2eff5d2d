//go:build !unix

package bench

// mostFiles: there is no such limit.
func mostFiles() (uint64, bool) { return 0, false }
