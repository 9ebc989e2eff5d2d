package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// gobench is what 'go test -bench' printed, by benchmark and unit: a value for
// each run. The format is that of https://go.dev/design/14313-benchmark-format.
type gobench map[string]map[string][]float64

func parseGobench(text string) gobench {
	found := gobench{}
	pkg := ""
	for line := range strings.Lines(text) {
		if p, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimPrefix(strings.TrimSpace(p), "agentbridge/")
		}
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		found.add(pkg+"."+benchmarkName(fields[0]), fields[2:])
	}
	return found
}

// benchmarkName is without the number of processors that ends it.
func benchmarkName(field string) string {
	name := strings.TrimPrefix(field, "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			return name[:i]
		}
	}
	return name
}

// add takes pairs of a value and its unit.
func (g gobench) add(name string, pairs []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		value, err := strconv.ParseFloat(pairs[i], 64)
		if err != nil {
			return
		}
		if g[name] == nil {
			g[name] = map[string][]float64{}
		}
		g[name][pairs[i+1]] = append(g[name][pairs[i+1]], value)
	}
}

// median is of all runs of a benchmark.
func (g gobench) median(name, unit string) (float64, error) {
	values := slices.Clone(g[name][unit])
	if len(values) == 0 {
		return 0, fmt.Errorf("go.txt has no %s of %s; it has %s", unit, name, known(g[name]))
	}
	slices.Sort(values)
	return values[len(values)/2], nil
}

// facts are lines that end in "fault: NAME: key=value key=value", or begin with
// "conformance: ", by "fault: NAME" and key. Of a name that comes twice the last
// one counts.
type facts map[string]map[string]string

var factWords = []string{"fault: ", "conformance: "}

func (f facts) add(text string) {
	for line := range strings.Lines(text) {
		for _, word := range factWords {
			if i := strings.Index(line, word); i >= 0 {
				f.addLine(word, strings.TrimSpace(line[i+len(word):]))
			}
		}
	}
}

func (f facts) addLine(word, line string) {
	name, pairs, ok := strings.Cut(line, ": ")
	if !ok || !strings.Contains(pairs, "=") {
		return
	}
	found := map[string]string{}
	for pair := range strings.FieldsSeq(pairs) {
		if key, value, ok := strings.Cut(pair, "="); ok {
			found[key] = value
		}
	}
	f[word+name] = found
}

func (f facts) value(name, key string) (string, error) {
	value, ok := f[name][key]
	if !ok {
		return "", fmt.Errorf("the raw output has no %s of %q; it has %s of %s", key, name, known(f[name]), known(f))
	}
	return value, nil
}

func known[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}
