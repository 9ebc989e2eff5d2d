package bench

import "context"

var conversationsScenario = Scenario{Name: "conversations", Run: func(context.Context, *Run) error { return nil }}
