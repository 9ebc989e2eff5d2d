package bench

import "context"

var sendScenario = Scenario{Name: "send", Run: func(context.Context, *Run) error { return nil }}
