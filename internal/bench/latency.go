package bench

import "context"

var latencyScenario = Scenario{Name: "latency", Run: func(context.Context, *Run) error { return nil }}
