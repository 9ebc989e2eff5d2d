package bench

import "context"

var soakScenario = Scenario{Name: "soak", Run: func(context.Context, *Run) error { return nil }}
