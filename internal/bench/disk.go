package bench

import "context"

var diskScenario = Scenario{Name: "disk", Run: func(context.Context, *Run) error { return nil }}
