package bench

import "context"

var stateScenario = Scenario{Name: "state", Run: func(context.Context, *Run) error { return nil }}
