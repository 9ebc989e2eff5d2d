package bench

import "context"

var joinScenario = Scenario{Name: "join", Run: func(context.Context, *Run) error { return nil }}
