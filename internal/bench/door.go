package bench

// Doors lists all doors there are, in the order of the constants.
func Doors() []Door { return []Door{Engine, HTTP, MCP, Stdio} }
