// Command benchdoc writes docs/benchmarks.md: it puts figures from the raw
// output of a run into a template. A figure that the run does not have is an
// error, so that nothing stands there that was not measured.
//
// Usage: go run ./scripts/benchdoc [-partial] DIR >docs/benchmarks.md
//
// DIR holds the template benchmarks.md.tmpl and the raw output of make bench:
// bench.json, go.txt, recall.txt, faults.txt, conformance.txt, and soak.json and
// peer.json if there are any. With -partial a figure that is missing is a dash:
// for short runs, which show that the page can be made.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"

	"agentbridge/internal/bench"
)

func main() {
	partial := flag.Bool("partial", false, "write a dash for a figure that is missing")
	flag.Parse()
	if err := run(flag.Args(), *partial, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchdoc:", err)
		os.Exit(1)
	}
}

func run(args []string, partial bool, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("want one argument, the directory with the raw output and the template; 'make bench' makes it")
	}
	d, err := read(args[0], partial)
	if err != nil {
		return err
	}
	const name = "benchmarks.md.tmpl"
	t, err := template.New(name).Funcs(d.funcs()).ParseFiles(filepath.Join(args[0], name))
	if err != nil {
		return err
	}
	var page bytes.Buffer // all of it, or nothing
	if err := t.Execute(&page, d); err != nil {
		return err
	}
	_, err = page.WriteTo(stdout)
	return err
}

// data is what was measured.
type data struct {
	dir     string
	partial bool

	Bench bench.Report  // of agentbridge bench
	Soak  *bench.Report // of a long run of its scenario soak, nil if there was none
	Peer  *bench.Report // of a run with another server beside ours, nil if there was none

	gobench gobench // of go test -bench
	facts   facts   // of the fault tests and of conformance
}

func read(dir string, partial bool) (*data, error) {
	d := &data{dir: dir, partial: partial}
	if err := readReport(dir, "bench.json", &d.Bench); err != nil {
		return nil, err
	}
	for name, report := range map[string]**bench.Report{"soak.json": &d.Soak, "peer.json": &d.Peer} {
		*report = new(bench.Report)
		if err := readReport(dir, name, *report); errors.Is(err, fs.ErrNotExist) {
			*report = nil
		} else if err != nil {
			return nil, err
		}
	}
	text, err := d.raw("go.txt")
	if err != nil {
		return nil, err
	}
	d.gobench = parseGobench(text)
	d.facts = facts{}
	for _, name := range []string{"faults.txt", "conformance.txt"} {
		text, err := d.raw(name)
		if err != nil {
			return nil, err
		}
		d.facts.add(text)
	}
	return d, nil
}

func readReport(dir, name string, report *bench.Report) error {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, report); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(report.Targets) == 0 {
		return fmt.Errorf("%s: no target was measured", name)
	}
	return nil
}
