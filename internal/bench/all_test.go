package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"agentbridge"
)

func measure(ctx context.Context, t *testing.T, scenarios ...Scenario) (Report, error) {
	t.Helper()
	two := []*Target{{Name: "a"}, {Name: "b", Foreign: true}}
	return All(ctx, two, scenarios, Settings{Dir: t.TempDir()}, t.Logf)
}

func scenario(name string, run func(r *Run) error) Scenario {
	return Scenario{Name: name, Run: func(_ context.Context, r *Run) error { return run(r) }}
}

// seen is what stands in a report: scenario, target, and the note or the count.
func seen(r Report) string {
	var list []string
	for _, res := range r.Results {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s/%s %d %s", res.Scenario, res.Target, res.Count, res.Note)))
	}
	return strings.Join(list, "\n")
}

// Each scenario is measured on all targets before the next one is; nothing that
// was not measured is silently absent, and an error keeps nobody else.
func TestAll(t *testing.T) {
	r, err := measure(t.Context(), t,
		scenario("one", func(r *Run) error { r.Add(Result{Count: 1}); return nil }),
		scenario("two", func(r *Run) error {
			r.Add(Result{Count: 2})
			if r.Target.Foreign {
				return agentbridge.Refuse(agentbridge.Unreachable, "", "gone")
			}
			return nil
		}),
		scenario("three", func(*Run) error { return nil }))
	want := `one/a 1
one/b 1
two/a 2
two/b 2
two/b 0 could not be measured: gone
three/a 0 not measured: this target lacks what the scenario needs, or the doors it goes through were left out
three/b 0 not measured: this target lacks what the scenario needs, or the doors it goes through were left out`
	if got := seen(r); got != want {
		t.Errorf("results are\n%s\nwant\n%s", got, want)
	}
	if agentbridge.CodeOf(err) != agentbridge.Unreachable || !strings.Contains(err.Error(), "two on b") {
		t.Errorf("error is %v, which should say what could not be measured and keep its code", err)
	}
	if len(r.Incomplete) != 1 || r.Interrupted || r.Failed() {
		t.Errorf("incomplete %q, interrupted %v, failed %v", r.Incomplete, r.Interrupted, r.Failed())
	}
	if r.Settings.Seconds != 5 || r.Settings.Size != 1024 || len(r.Targets) != 2 {
		t.Errorf("report has settings %+v and targets %+v", r.Settings, r.Targets)
	}
}

// A bridge that refuses everything loses nothing; that it measured nothing is
// an error all the same.
func TestAll_nothingSucceeded(t *testing.T) {
	r, err := measure(t.Context(), t, scenario("one", func(r *Run) error {
		r.Add(Result{Door: HTTP, Case: "send", Seconds: 1, Errors: 7})
		return nil
	}))
	if err == nil || !strings.Contains(err.Error(), "nothing succeeded through http (send)") || len(r.Incomplete) != 2 {
		t.Errorf("error %v, incomplete %q; want a word about both targets", err, r.Incomplete)
	}
	r, err = measure(t.Context(), t, scenario("one", func(r *Run) error {
		r.Add(Result{Seconds: 1, Count: 6, Errors: 7})
		return nil
	}))
	if err != nil || !strings.Contains(r.Results[0].Note, "more attempts failed than succeeded") {
		t.Errorf("error %v, results %+v; want a note", err, r.Results)
	}
}

func TestAll_interrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := measure(ctx, t,
		scenario("one", func(r *Run) error {
			r.Add(Result{Count: 1})
			if r.Target.Name == "b" {
				cancel()
				return errors.New("which comes from that")
			}
			return nil
		}),
		scenario("two", func(*Run) error { t.Error("a scenario began after the end"); return nil }))
	if !errors.Is(err, context.Canceled) || !r.Interrupted || len(r.Incomplete) != 0 {
		t.Errorf("error %v, interrupted %v, incomplete %v", err, r.Interrupted, r.Incomplete)
	}
	if got, want := seen(r), "one/a 1\none/b 1\none/b 0 interrupted"; got != want {
		t.Errorf("results are\n%s\nwant\n%s", got, want)
	}
}

func TestMeasureDisk(t *testing.T) {
	dir := t.TempDir()
	d, err := MeasureDisk(dir)
	if err != nil || d.Samples < 1 || d.P50 <= 0 || d.P99 < d.P50 {
		t.Errorf("MeasureDisk() = %+v, %v", d, err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	if _, err := MeasureDisk(dir + "/none"); err == nil {
		t.Error("it measured a directory that is not there")
	}
}
