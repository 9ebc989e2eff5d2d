package bench

import "context"

var mixedScenario = Scenario{Name: "mixed", Run: func(context.Context, *Run) error { return nil }}
