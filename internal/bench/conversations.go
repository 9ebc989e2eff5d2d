package bench

import (
	"context"
	"fmt"
	"time"
)

var conversationsScenario = Scenario{
	Name: "conversations",
	About: "one coordinator and its workers, a conversation each: it tells a task, the worker takes it and answers, the coordinator takes the answer and tells the next; " +
		"time from the call that tells a task until the worker's check returns it, and of each call; a call counts once",
	Claim: "482 operations (19 messages, 463 calls) in 94 s with 10 agents, 100 % delivered, no duplicates; 50 to 100 agents expected",
	Run:   runConversations,
}

// mostProcesses is how many agents go through the door Stdio, where each is a
// process of its own.
const mostProcesses = 10

// From so many on it is said in words how long they took: an honest run is
// longer than the one of the claim, in which 463 calls were 482 operations.
const (
	manyCalls    = 100_000
	manyMessages = 50_000
)

func runConversations(ctx context.Context, r *Run) error {
	if r.Target.Foreign {
		r.Add(Result{Note: "not measured: this server has no conversations"})
		return nil
	}
	for _, door := range r.Doors(Engine, MCP, Stdio) {
		for _, n := range r.Agents(10, 100) {
			if n = max(n, 2); door == Stdio && n > mostProcesses {
				continue
			}
			r.Progress("%s, a coordinator and %s", door, plural(n-1, "worker"))
			if err := r.converse(ctx, door, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// converse measures one coordinator with n-1 workers.
func (r *Run) converse(ctx context.Context, door Door, n int) error {
	agents, err := r.Enter(ctx, door, n)
	if err != nil {
		return err
	}
	defer leave(agents)
	h, err := r.newHub(ctx, agents)
	if err != nil {
		return fmt.Errorf("begin conversations through %s: %w", door, err)
	}
	if len(h.talks) == 0 {
		r.Add(Result{Door: door, Agents: n, Note: "not measured: the target's limits admit no new conversation now"})
		return nil
	}
	h.warmUp(ctx)
	disk, use, start := r.Disk(), r.meter(door), time.Now()
	done := h.work(ctx, r.Settings.Duration)
	elapsed := time.Since(start)
	res := Result{Door: door, Agents: len(h.talks) + 1, Fdatasync: ms(disk.P50)}
	use.into(&res)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if done.calls.Count() == 0 && done.calls.errors > 0 {
		return fmt.Errorf("all %d calls through %s failed, the first one with: %w", done.calls.errors, door, done.calls.first)
	}
	if len(h.talks) < n-1 {
		res.Note = fmt.Sprintf("the target's limits on new conversations admitted %d of %d workers", len(h.talks), n-1)
	}
	err = h.settle(ctx)
	r.Add(done.messagesResult(res, h, elapsed))
	r.Add(done.callsResult(res, elapsed))
	return err
}

// messagesResult is what became of the messages, with everything that was
// promised about them.
func (d *doings) messagesResult(res Result, h *hub, elapsed time.Duration) Result {
	d.tasks.Into(&res, elapsed)
	res.Case = "task until checked"
	messages, seconds := float64(d.tasks.Count()+d.answers.Count()), elapsed.Seconds()
	res.figure("messages", messages)
	res.figure("messages/s", messages/seconds)
	res.figure("calls", float64(d.calls.Count()))
	res.figure("calls/s", float64(d.calls.Count())/seconds)
	if d.calls.Count() >= manyCalls && messages >= manyMessages {
		res.Note = notes(res.Note, fmt.Sprintf("%d calls with %.0f messages took %.0f s", d.calls.Count(), messages, seconds))
	}
	var answers Result
	d.answers.Into(&answers, elapsed)
	res.figure("answer p50 ms", answers.P50)
	res.figure("answer p99 ms", answers.P99)
	for _, t := range h.talks {
		for i := range t.sides {
			t.ledger.Compare(&t.sides[i].read, &res, func(sender int) bool { return sender != i })
		}
	}
	return res
}

// callsResult is the calls, with those that failed.
func (d *doings) callsResult(res Result, elapsed time.Duration) Result {
	res.Case, res.Note = "each call", ""
	d.calls.into(&res, elapsed)
	res.figureCPU("calls")
	return res
}
