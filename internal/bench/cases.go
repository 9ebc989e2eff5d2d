package bench

import (
	"context"
	"fmt"

	"agentbridge"
)

// cases runs the cases of a scenario one after another. One that fails leaves a
// line that says why, and the next one runs.
type cases struct {
	run    *Run
	failed error // the first one
}

// measure runs one case: n agents through a door, doing what name says.
func (c *cases) measure(ctx context.Context, door Door, name string, n int, do func() error) {
	if ctx.Err() != nil {
		return
	}
	c.run.Progress("%s, %s through %s", name, plural(n, "agent"), door)
	err := do()
	if err == nil || ctx.Err() != nil {
		return
	}
	c.run.Add(Result{Door: door, Case: name, Agents: n, Note: "could not be measured: " + agentbridge.InertLine(err.Error())})
	if c.failed == nil {
		c.failed = fmt.Errorf("%s through %s with %s: %w", name, door, plural(n, "agent"), err)
	}
}

// err is the first error, or that of ctx if it has ended.
func (c *cases) err(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.failed
}
