package bench

import "context"

var fanoutScenario = Scenario{Name: "fanout", Run: func(context.Context, *Run) error { return nil }}
