package bench

import "context"

var idleScenario = Scenario{Name: "idle", Run: func(context.Context, *Run) error { return nil }}
