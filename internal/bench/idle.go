package bench

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"agentbridge"
)

var idleScenario = Scenario{
	Name: "idle",
	About: "connected MCP sessions, each with an open stream of notifications, that do nothing: the server's memory and processor time, and what stays when all have gone; " +
		"time of opening one session with its stream",
	Claim: "CPU 0.1 % polling, 0.05 % watching",
	Run:   runIdle,
}

const (
	openers   = 8 // sessions that are opened or closed at a time
	idleTime  = 10 * time.Second
	startTime = 2 * time.Second
	asked     = 50              // sessions, at most, that are asked whether they still are
	reopened  = 10              // sessions that must find a place after all have gone
	placeTime = 5 * time.Second // for which they may look for it
)

func runIdle(ctx context.Context, r *Run) error {
	if r.Doors(MCP) == nil {
		return nil
	}
	// The limit of open files is in nobody's way: the Go runtime raises it to
	// the hard one when the process starts.
	c := &crowd{run: r, rest: min(idleTime, 2*r.Settings.Duration)}
	defer c.leave()
	if err := c.begin(ctx); err != nil {
		return err
	}
	c.alone(ctx)
	r.Progress("opening %d sessions", r.Settings.Sessions)
	res, err := c.enter(ctx)
	if err != nil {
		return err
	}
	r.Progress("%d sessions, idle for %s", len(c.agents), c.rest)
	c.sleep(ctx, &res)
	ended := c.ask(ctx, &res)
	c.opened.into(&res, c.took)
	r.Progress("closing them")
	err = c.depart(ctx, &res)
	r.Add(res)
	return cmp.Or(ended, err)
}

// crowd is sessions that do nothing.
type crowd struct {
	run    *Run
	rest   time.Duration // for which they do it
	before Process       // the server, before they came
	note   string        // what has to be said about it

	mu     sync.Mutex // guards the fields below while sessions are opened
	agents []Agent
	opened tally
	took   time.Duration // opening all of them
	full   error         // the server takes no more
}

// look is the server's process, if it is known and on this machine.
func (c *crowd) look() (Process, bool) {
	if c.run.Target.PID == nil {
		return Process{}, false
	}
	return processOf(c.run.Target.PID())
}

// fine is the processor time of that process to the nanosecond, if it is known.
func (c *crowd) fine() (time.Duration, bool) {
	if c.run.Target.PID == nil {
		return 0, false
	}
	return finely(c.run.Target.PID())
}

// begin starts the server anew if it may: memory that it freed before would be
// used again, and the sessions would seem to need none.
func (c *crowd) begin(ctx context.Context) error {
	if c.run.Target.Restart == nil {
		if _, known := c.look(); known {
			c.note = "the server was not started anew for this: memory that it had freed before is used again and doesn't show"
		}
		return nil
	}
	if err := c.run.Target.Restart(ctx); err != nil {
		return fmt.Errorf("start the server anew: %w", err)
	}
	return pause(ctx, min(startTime, c.rest)) // what it does because it was started is no idleness
}

// alone measures the server with nobody there.
func (c *crowd) alone(ctx context.Context) {
	res := Result{Door: MCP, Case: "nobody connected"}
	c.sleep(ctx, &res)
	c.run.Add(res)
}

// sleep waits and measures what the server does meanwhile, and what it holds.
func (c *crowd) sleep(ctx context.Context, res *Result) {
	before, known := c.look()
	from, fine := c.fine()
	start := time.Now()
	if pause(ctx, c.rest) != nil {
		return
	}
	elapsed := time.Since(start)
	after, ok := c.look()
	if !ok || !known {
		res.Note = notes(res.Note, "memory and processor time are unknown: the server's process is not known here, or the system doesn't show it")
		return
	}
	used := after.CPU - before.CPU
	if to, still := c.fine(); fine && still {
		used = to - from
	}
	res.figure("CPU s/hour idle", used.Seconds()*float64(time.Hour)/float64(elapsed))
	res.figure("CPU % idle", 100*used.Seconds()/elapsed.Seconds())
	res.figure("MiB", mib(after.RSS))
	if n := len(c.agents); n > 0 {
		res.figure("MiB before", mib(c.before.RSS))
		if c.run.Target.Restart != nil { // else it may hold memory that it had freed, and the figure were too small
			res.figure("KiB/session", float64(after.RSS-c.before.RSS)/1024/float64(n))
		}
	}
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// notes puts two sentences one after the other.
func notes(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// enter opens sessions until there are enough or the server takes no more.
func (c *crowd) enter(ctx context.Context) (Result, error) {
	c.before, _ = c.look()
	want, start := c.run.Settings.Sessions, time.Now()
	if err := room(want, filesOf(MCP)); err != nil {
		return Result{}, err
	}
	parallel(want, func(n int) bool { return c.open(ctx, n) })
	c.took = time.Since(start)
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if len(c.agents) == 0 {
		return Result{}, fmt.Errorf("open a session: %w", c.opened.first)
	}
	res := Result{Door: MCP, Agents: len(c.agents), Case: "sessions with streams", Note: c.note}
	if c.full != nil {
		res.Note = notes(res.Note, fmt.Sprintf("the server admitted %d of %d sessions: it has a limit (ours: serve --max-sessions, of which callers without a name have three quarters)", len(c.agents), want))
	}
	return res, nil
}

// open opens one session. It reports false when there is no use in more.
func (c *crowd) open(ctx context.Context, n int) bool {
	start := time.Now()
	a, err := c.run.Target.Enter(ctx, MCP, fmt.Sprintf("bench-%s-%d", c.run.ID, n))
	if err == nil {
		if l, ok := a.(Listener); ok {
			err = l.Listen(ctx)
		}
	}
	took := time.Since(start)
	c.mu.Lock()
	defer c.mu.Unlock()
	if a != nil {
		c.agents = append(c.agents, a)
	}
	if err == nil {
		c.opened.Add(took)
		return true
	}
	c.opened.fail(err)
	if code := agentbridge.CodeOf(err); code == agentbridge.Busy || code == agentbridge.RateLimited {
		c.full = err
		return false
	}
	return c.opened.errors < mostFailures && ctx.Err() == nil
}

// ask looks which sessions have ended while nobody looked: whose stream has, and
// in some of them, who doesn't answer as before. Memory of sessions that are no
// more is no figure, so one that has ended is an error.
func (c *crowd) ask(ctx context.Context, res *Result) error {
	step, ended, first := (len(c.agents)+asked-1)/asked, 0, error(nil)
	for i, a := range c.agents {
		var err error
		if i%step == 0 {
			if _, err = a.List(ctx); err != nil {
				c.opened.fail(err)
			}
		}
		if agentbridge.CodeOf(err) != agentbridge.Unreachable { // whoever refuses is there
			err = lasted(a)
		}
		if err != nil {
			ended, first = ended+1, cmp.Or(first, err)
		}
	}
	res.figure("sessions found ended", float64(ended))
	if ended > 0 && ctx.Err() == nil {
		return fmt.Errorf("%d of %s did not last, so what they take is not known: %w", ended, plural(len(c.agents), "idle session"), first)
	}
	return nil
}

// depart closes all sessions, looks what the server still holds, and sees
// whether their places are free again.
func (c *crowd) depart(ctx context.Context, res *Result) error {
	again := min(reopened, len(c.agents))
	c.leave()
	if err := pause(ctx, min(c.rest, time.Second)); err != nil { // the server's own tidying
		return err
	}
	if after, ok := c.look(); ok {
		res.figure("MiB after", mib(after.RSS))
	}
	c.full, c.opened = nil, tally{}
	for end := time.Now().Add(placeTime); len(c.agents) < again; {
		if c.open(ctx, c.run.Settings.Sessions+len(c.agents)) {
			continue
		}
		if time.Now().After(end) {
			return fmt.Errorf("all sessions were closed, and only %d of %d new ones found a place: %w", len(c.agents), again, c.opened.first)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// leave closes all sessions.
func (c *crowd) leave() {
	parallel(len(c.agents), func(n int) bool { leave(c.agents[n : n+1]); return true })
	c.agents = nil
}

// parallel does something for 0 to n-1, openers at a time, until once it reports
// false.
func parallel(n int, do func(n int) bool) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range openers {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if !do(i) {
					next.Store(int64(n))
				}
			}
		})
	}
	all.Wait()
}
