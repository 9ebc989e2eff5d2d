package bench

import "agentbridge"

// ownFiles is how many files this process needs besides its agents' connections.
const ownFiles = 50

// room refuses what this process has not enough files for: connections that
// fail for want of them would be counted as the bridge's errors.
func room(agents, each int) error {
	most, known := mostFiles()
	if need := uint64(agents*each + ownFiles); known && need > most {
		return agentbridge.Refuse(agentbridge.TooLarge, "", "%s need %d open files, and this process may have %d; raise that limit (ulimit -n), which our own server needs too, or take fewer agents",
			plural(agents, "agent"), need, most)
	}
	return nil
}

// filesOf is how many files an agent needs behind a door.
func filesOf(door Door) int {
	switch door {
	case HTTP, MCP:
		return 1 // its connection
	case Stdio:
		return 3 // two pipes and the process
	}
	return 0
}
