package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"agentbridge/internal/bench"
)

// missing stands for a figure that a partial run does not have.
var missing = math.NaN()

// funcs are what the template can ask for. Whatever is not there is an error,
// or not a number in a partial run.
func (d *data) funcs() template.FuncMap {
	return template.FuncMap{
		"one":    d.one,
		"table":  d.table,
		"beside": d.beside,
		"figure": d.figure,
		"go":     d.median,
		"fact":   d.fact,
		"facts":  d.list,
		"total":  d.total,
		"rows":   d.rows,
		"ms":     milliseconds,
		"n":      number,
		"div":    func(a, b float64) float64 { return a / b },
		"sub":    func(a, b float64) float64 { return a - b },
		"add":    func(a, b float64) float64 { return a + b },
		"cum":    d.cum,
		"more":   more,
		"target": target,
		"join":   func(list []string) string { return strings.Join(list, " ") },
		"mib":    func(bytes int64) string { return number(float64(bytes) / (1 << 20)) },
	}
}

// one finds the one result of scenario, door, case and number of agents on the
// first target of a report; "*" and what is left out may be anything.
func (d *data) one(report bench.Report, where ...any) (bench.Result, error) {
	var found []bench.Result
	for _, r := range report.Results {
		if r.Target == report.Targets[0].Name && matches(r, where) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case d.partial:
		return bench.Result{Scenario: fmt.Sprint(where...), Rate: missing, P50: missing, P95: missing, P99: missing, Max: missing, Mean: missing, Ratio: missing}, nil
	}
	return bench.Result{}, fmt.Errorf("%d results for %v, want one; of this scenario there is %s", len(found), where, cases(report, where))
}

// matches compares with scenario, door, case and agents. A "*" stands for
// anything.
func matches(r bench.Result, where []any) bool {
	have := []string{r.Scenario, string(r.Door), r.Case, fmt.Sprint(r.Agents)}
	for i, want := range where {
		begin, end, open := strings.Cut(fmt.Sprint(want), "*")
		if !open && have[i] != begin || !strings.HasPrefix(have[i], begin) || !strings.HasSuffix(have[i], end) {
			return false
		}
	}
	return true
}

func cases(report bench.Report, where []any) string {
	var names []string
	for _, r := range report.Results {
		if matches(r, where[:1]) {
			names = append(names, fmt.Sprintf("[%s %q %d]", r.Door, r.Case, r.Agents))
		}
	}
	return strings.Join(names, " ")
}

// table is all results of a scenario, as rows.
func (d *data) table(report bench.Report, scenario string) string {
	var t strings.Builder
	t.WriteString("| door | case | agents | rate | p50 | p95 | p99 | max | lost, twice, out of order |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range report.Results {
		if r.Scenario == scenario && r.Target == report.Targets[0].Name && r.Count > 0 {
			fmt.Fprintf(&t, "| %s | %s | %d | %s/s | %s | %s | %s | %s | %d, %d, %d |\n", r.Door, r.Case, r.Agents, number(r.Rate),
				milliseconds(r.P50), milliseconds(r.P95), milliseconds(r.P99), milliseconds(r.Max), r.Lost, r.Duplicated, r.Disordered)
		}
	}
	return strings.TrimSuffix(t.String(), "\n")
}

// beside is the results that two targets have in common, as rows.
func (d *data) beside(report bench.Report) (string, error) {
	if len(report.Targets) < 2 {
		return "", fmt.Errorf("peer.json has one target only")
	}
	var t strings.Builder
	t.WriteString("| scenario | door | case | agents | rate, here | there | p50, here | there | p99, here | there |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range report.Results {
		if r.Target != report.Targets[1].Name || r.Count == 0 {
			continue
		}
		own, err := d.one(report, r.Scenario, r.Door, r.Case, r.Agents)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %d | %s/s | %s/s | %s | %s | %s | %s |\n", r.Scenario, r.Door, r.Case, r.Agents,
			number(own.Rate), number(r.Rate), milliseconds(own.P50), milliseconds(r.P50), milliseconds(own.P99), milliseconds(r.P99))
	}
	return strings.TrimSuffix(t.String(), "\n"), nil
}

func (d *data) figure(r bench.Result, name string) (float64, error) {
	v, ok := r.Figures[name]
	if !ok && d.partial {
		return missing, nil
	} else if !ok {
		return 0, fmt.Errorf("%s has no figure %q; it has %s", r.Scenario, name, known(r.Figures))
	}
	return v, nil
}

func (d *data) median(name, unit string) (float64, error) {
	v, err := d.gobench.median(name, unit)
	if err != nil && d.partial {
		return missing, nil
	}
	return v, err
}

func (d *data) fact(name, key string) (string, error) {
	v, err := d.facts.value(name, key)
	if err != nil && d.partial {
		return "–", nil
	}
	return v, err
}

// A fact is one line of facts, for a table.
type fact struct {
	Name string
	Of   map[string]string
}

// list is the facts whose names begin with a word, by name.
func (d *data) list(word string) []fact {
	var found []fact
	for _, name := range slices.Sorted(maps.Keys(d.facts)) {
		if rest, ok := strings.CutPrefix(name, word); ok {
			found = append(found, fact{rest, d.facts[name]})
		}
	}
	return found
}

// more is what a fact says beyond the columns that all have.
func more(of map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(of)) {
		if !slices.Contains([]string{"rounds", "acknowledged", "lost", "duplicated"}, key) {
			parts = append(parts, key+" "+of[key])
		}
	}
	return strings.Join(parts, ", ")
}

// cum is the share of a function, by the end of its name, with all that it
// calls: the percentage that pprof printed.
func (d *data) cum(function string) (float64, error) {
	text, err := d.raw("profile.txt")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSpace(line), " (inline)")
		if fields := strings.Fields(line); len(fields) >= 6 && strings.HasSuffix(line, function) {
			return strconv.ParseFloat(strings.TrimSuffix(fields[4], "%"), 64)
		}
	}
	if d.partial {
		return missing, nil
	}
	return 0, fmt.Errorf("profile.txt has no %s", function)
}

// total adds up what facts say of one key.
func (d *data) total(word, key string) (sum int64, err error) {
	for _, f := range d.list(word) {
		v, err := strconv.ParseInt(f.Of[key], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s%s: %s: %w", word, f.Name, key, err)
		}
		sum += v
	}
	return sum, nil
}

// rows is the table in a file of the raw output.
func (d *data) rows(name string) (string, error) {
	text, err := d.raw(name)
	var rows []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "|") {
			rows = append(rows, line)
		}
	}
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("%s has no table", name)
	}
	return strings.Join(rows, "\n"), err
}

// raw is a file of the raw output, as it is.
func (d *data) raw(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(d.dir, name))
	return strings.TrimRight(string(text), "\n"), err
}

// target tells whether a figure keeps a bound, "≤ 1.7" or "≥ 3500", with its
// unit.
func target(v float64, bound, unit string) (string, error) {
	var sign string
	var limit float64
	if _, err := fmt.Sscanf(bound, "%s %g", &sign, &limit); err != nil || sign != "≤" && sign != "≥" {
		return "", fmt.Errorf("target %q: want a sign, a space and a number", bound)
	}
	said := sign + " " + number(limit) + unit
	switch {
	case math.IsNaN(v):
		return said, nil
	case sign == "≤" && v <= limit, sign == "≥" && v >= limit:
		return said + ", kept", nil
	}
	return said + ", **missed**", nil
}

// milliseconds writes a time for people.
func milliseconds(ms float64) string {
	switch {
	case math.IsNaN(ms):
		return "–"
	case ms < 1:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// number writes a figure with as many digits as mean something.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case a >= 1000:
		return thousands(int64(math.Round(v)))
	case a >= 100 || a == 0:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	case a >= 1:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
	}
	return fmt.Sprintf("%.2g", v)
}

func thousands(v int64) string {
	text := fmt.Sprint(v)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
