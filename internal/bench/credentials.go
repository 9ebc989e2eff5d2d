package bench

import "context"

var credentialsScenario = Scenario{Name: "credentials", Run: func(context.Context, *Run) error { return nil }}
