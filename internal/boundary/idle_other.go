//go:build !unix

package boundary

// MaxConnections is how many connections this process should hold.
func MaxConnections() int { return maxConnections }
