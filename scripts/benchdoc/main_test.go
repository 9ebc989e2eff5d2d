package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentbridge/internal/bench"
)

// The page is what its raw output says: a figure that somebody typed, or a
// template that was changed without making the page anew, fails.
func TestPage_isWhatWasMeasured(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	want, err := os.ReadFile(filepath.Join(docs, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := run([]string{filepath.Join(docs, "benchmarks")}, false, &page); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(page.String(), "\n") {
		if have := strings.Split(string(want), "\n"); i >= len(have) || have[i] != line {
			t.Fatalf("docs/benchmarks.md line %d is not what benchdoc makes of its raw output; run it, don't edit the page:\n%s", i+1, line)
		}
	}
	if page.String() != string(want) {
		t.Error("docs/benchmarks.md goes on after what benchdoc makes")
	}
}

func TestParse(t *testing.T) {
	g := parseGobench("pkg: agentbridge/internal/x\nBenchmarkA/n=1-2 \t 3\t 20 ns/op\t 7.5 ratio\nBenchmarkA/n=1-2 3 10 ns/op\nBenchmarkA/n=1-2 3 90 ns/op\nok x\n")
	if v, err := g.median("internal/x.A/n=1", "ns/op"); v != 20 || err != nil {
		t.Errorf("median %v, %v", v, err)
	}
	if v, err := g.median("internal/x.A/n=1", "ratio"); v != 7.5 || err != nil {
		t.Errorf("ratio %v, %v", v, err)
	}
	if _, err := g.median("internal/x.B", "ns/op"); err == nil {
		t.Error("a benchmark that did not run has a median")
	}
	f := facts{}
	f.add("    kill_test.go:12: fault: kill server: rounds=2 lost=0\nfault: is no fact\nconformance: release 2025-11-25: passed=8 required=30\n")
	if v, err := f.value("fault: kill server", "rounds"); v != "2" || err != nil {
		t.Errorf("rounds %v, %v", v, err)
	}
	if v, err := f.value("conformance: release 2025-11-25", "passed"); v != "8" || err != nil {
		t.Errorf("passed %v, %v", v, err)
	}
	if _, err := f.value("fault: kill server", "restarts"); err == nil || len(f) != 2 {
		t.Errorf("%v", f)
	}
}

// A figure that nobody measured stops the page, and is a dash in a partial one.
func TestFuncs_missing(t *testing.T) {
	report := bench.Report{Targets: []bench.ReportTarget{{Name: "own"}}, Results: []bench.Result{
		{Scenario: "send", Target: "own", Door: "http", Case: "send", Agents: 10, Count: 1, P50: 1.5},
		{Scenario: "send", Target: "other", Door: "http", Case: "send", Agents: 10, Count: 1, P50: 9},
		{Scenario: "disk", Target: "own", Door: "http", Case: "5000 messages of 200 bytes", Agents: 100, Count: 1},
	}}
	d := &data{}
	if r, err := d.one(report, "send", "http", "send", 10); err != nil || r.P50 != 1.5 {
		t.Errorf("%v, %v", r, err)
	}
	if r, err := d.one(report, "disk", "*", "* of 200 bytes"); err != nil || r.Agents != 100 {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := d.one(report, "send", "http", "send", 100); err == nil {
		t.Error("a result that is not there")
	}
	if _, err := d.figure(report.Results[0], "messages"); err == nil {
		t.Error("a figure that is not there")
	}
	d.partial = true
	r, err := d.one(report, "send", "http", "send", 100)
	if v, err2 := d.figure(r, "messages"); err != nil || err2 != nil || milliseconds(r.P50)+number(v) != "––" {
		t.Errorf("partial: %v %v %v %v", r, v, err, err2)
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		v           float64
		bound, want string
	}{
		{1.7, "≤ 1.7", "≤ 1.7 x, kept"},
		{1.71, "≤ 1.7", "≤ 1.7 x, **missed**"},
		{3499.9, "≥ 3500", "≥ 3,500 x, **missed**"},
		{3500, "≥ 3500", "≥ 3,500 x, kept"},
		{missing, "≥ 3500", "≥ 3,500 x"},
	} {
		if got, err := target(c.v, c.bound, " x"); got != c.want || err != nil {
			t.Errorf("target(%v, %s) = %q, %v; want %q", c.v, c.bound, got, err, c.want)
		}
	}
	if _, err := target(1, "< 2", ""); err == nil {
		t.Error("a bound that nobody understands")
	}
}
