package bench

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// sample is a report with two targets, several numbers of agents, and all that
// a result can have.
func sample() Report {
	r := Report{
		Version: "1.2.3", When: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Seconds: 61,
		Settings: ReportSettings{Seconds: 5, Size: 1024, Limits: "off"},
		Machine: Machine{OS: "linux", Arch: "amd64", CPU: "A CPU <of> 3 GHz", Cores: 2, Memory: 8 << 30, Filesystem: "ext4",
			LoadBefore: &Load{0.5, 0.25, 0.1}, Fdatasync: 0.142, FdatasyncP99: 0.9, Program: "1.2.3", Go: "go1.26"},
		Targets: []ReportTarget{{Name: "ours", Doors: []Door{HTTP, MCP}}, {Name: "other & co", Foreign: true, Doors: []Door{HTTP, MCP}}},
	}
	cpu := 1.5
	for _, target := range []string{"ours", "other & co"} {
		factor := 1.0
		if target != "ours" {
			factor = 4
		}
		for _, door := range []Door{HTTP, MCP} {
			for i, n := range []int{1, 10, 50, 100} {
				res := Result{Scenario: "send", Target: target, Door: door, Agents: n, Count: 20000, Seconds: 5,
					Rate: float64(4000+1000*i) / factor, P50: 0.3 * float64(i*i+1) * factor, P95: 0.5 * float64(i*i+1) * factor, P99: 1.1 * float64(i*i+1) * factor, Max: 12 * factor}
				if door == HTTP && n == 10 && target == "ours" {
					res.ServerCPU, res.Figures, res.Note = &cpu, map[string]float64{"bytes/message": 1312, "admitted": 0, "ms a thing": 2.5}, "a note"
					res.Errors, res.ErrorsBy = 2, map[string]int64{"refused\nthere": 2}
				}
				r.Results = append(r.Results, res)
			}
		}
	}
	r.Results = append(r.Results, Result{Scenario: "idle", Target: "other & co", Note: "not measured"})
	return r
}

func table(t *testing.T, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// lineWith finds the line that begins with the given words, and the next.
func lineWith(t *testing.T, text string, words ...string) (line, next string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(strings.Join(strings.Fields(l), " "), strings.Join(words, " ")) {
			return l, lines[min(i+1, len(lines)-1)]
		}
	}
	t.Fatalf("no line begins with %q in:\n%s", words, text)
	return "", ""
}

func TestTable(t *testing.T) {
	text := table(t, sample())
	ours, _ := lineWith(t, text, "ours http 10")
	if got := strings.Join(strings.Fields(ours), " "); got != "ours http 10 5,000 0.600 1.00 2.20 12.0 – 2 0 0 0" {
		t.Errorf("row is %q", got)
	}
	for _, want := range []string{"CPU: server 1.50 s (0.075 ms each)", "admitted 0; bytes/message 1,312; ms a thing 2.50", "2 errors: refused", "a note"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) { // wherever it wraps
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if _, there := lineWith(t, text, "other & co http 100"); !strings.Contains(there, "ours to other & co: rate ×4.00, p50 ×0.250, p99 ×0.250") {
		t.Errorf("no comparison below the other's row, but %q", there)
	}
	if !strings.HasSuffix(text, "  other & co\n      not measured\n") {
		t.Errorf("what was not measured has figures or says nothing:\n%s", text)
	}
	for _, want := range []string{"A CPU <of> 3 GHz; 2 cores, 8.0 GiB", "0.50 0.25 0.10 before, unknown after", "ext4; fdatasync", "p50 0.142 ms, p99 0.900 ms", "of our own server: off", "race detector off"} {
		if !strings.Contains(text, want) {
			t.Errorf("the head lacks %q:\n%s", want, text)
		}
	}
}

// The lines of one case stand together although the targets were measured one
// after another, and no line is wider than a screen.
func TestTable_order(t *testing.T) {
	text := table(t, sample())
	ours, _ := lineWith(t, text, "ours http 10 ")
	others, _ := lineWith(t, text, "other & co http 10 ")
	after, _ := lineWith(t, text, "ours http 50 ")
	if a, b, c := strings.Index(text, ours), strings.Index(text, others), strings.Index(text, after); !(a < b && b < c) {
		t.Errorf("rows are at %d, %d, %d in:\n%s", a, b, c, text)
	}
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 120 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}

func TestTable_tellsWhatIsWrong(t *testing.T) {
	r := sample()
	if strings.Contains(table(t, r), "FAILED") {
		t.Error("nothing failed, but the table says so")
	}
	r.Results[3].Lost = 7
	r.Incomplete, r.Interrupted = []string{"soak on ours: no"}, true
	text := table(t, r)
	for _, want := range []string{"FAILED: send on ours through http with 100 agents: 7 lost, 0 duplicated, 0 out of order", "incomplete: soak on ours: no", "interrupted"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}

func TestFailed(t *testing.T) {
	for name, change := range map[string]func(*Result){
		"lost": func(r *Result) { r.Lost = 1 }, "duplicated": func(r *Result) { r.Duplicated = 1 }, "disordered": func(r *Result) { r.Disordered = 1 },
	} {
		r := sample()
		if r.Failed() {
			t.Fatal("the sample has failed already")
		}
		change(&r.Results[5])
		if !r.Failed() || len(r.Failures()) != 1 {
			t.Errorf("%s: not a failure: %v", name, r.Failures())
		}
	}
	r := sample()
	r.Results[0].Errors = 3 // a refusal is no broken promise
	if r.Failed() {
		t.Error("errors count as broken promises")
	}
}

func TestReport_json(t *testing.T) {
	raw, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if a, b := table(t, sample()), table(t, back); a != b {
		t.Errorf("after JSON the table is another:\n%s\n%s", a, b)
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "–", 0.0001234: "0.00012", 0.1419: "0.142", 0.9996: "1.00", 1.417: "1.42", 9.996: "10.0",
		14.17: "14.2", 99.96: "100", 1416.7: "1,417", 1234567: "1,234,567", -1234: "-1,234", -123456: "-123,456"} {
		if got := digits(v); got != want {
			t.Errorf("digits(%v) = %q, want %q", v, got, want)
		}
	}
}

// elements counts the elements of a picture that is well-formed, by name, and
// collects its texts.
func elements(t *testing.T, r Report) (counts map[string]int, texts string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WritePlot(&b); err != nil {
		t.Fatal(err)
	}
	counts = map[string]int{}
	for dec := xml.NewDecoder(&b); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return counts, texts
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok := token.(type) {
		case xml.StartElement:
			counts[tok.Name.Local]++
			for _, a := range tok.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.Contains(a.Value, "%!") {
					t.Errorf("<%s %s=%q>", tok.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			texts += string(tok) + "\n"
		}
	}
}

func TestPlot(t *testing.T) {
	counts, texts := elements(t, sample())
	if counts["path"] != 4*3 { // rate, p50 and p99 of each target and door
		t.Errorf("%d curves, want 12", counts["path"])
	}
	for _, want := range []string{"send", "operations per second", "latency in ms", "agents", "100", "ours, http", "other & co, mcp", "A CPU <of> 3 GHz", "fdatasync"} {
		if !strings.Contains(texts, want) {
			t.Errorf("the picture lacks the text %q", want)
		}
	}
}

// Whatever was measured makes a picture: nothing, one point, zeros.
func TestPlot_little(t *testing.T) {
	one := Result{Scenario: "join", Target: "ours", Door: MCP, Agents: 1, Count: 1}
	for name, results := range map[string][]Result{"nothing": nil, "one point": {one}, "notes only": {{Scenario: "idle", Note: "no"}}} {
		r := Report{Results: results}
		if counts, _ := elements(t, r); counts["svg"] != 1 {
			t.Errorf("%s: no picture", name)
		}
	}
}

func TestScales(t *testing.T) {
	for most, want := range map[float64]int{0: 6, 1: 6, 3500: 8, 9000: 6, 10: 6, 14: 8, 26000: 7} {
		s := linear(most)
		if len(s.ticks) < 4 || len(s.ticks) > 10 || s.top < most || s.at(0) != 0 {
			t.Errorf("linear(%v) = %+v, about %d ticks expected", most, s, want)
		}
	}
	for _, c := range [][2]float64{{0.1, 0.1}, {0.14, 3}, {0.02, 900}, {0.0001, 100}, {2, 5}} {
		s := logarithmic(c[0], c[1])
		if s.low > c[0] || s.top < c[1] || len(s.ticks) < 2 || len(s.ticks) > 16 {
			t.Errorf("logarithmic(%v) = %+v", c, s)
		}
		if at := s.at(c[1]); at < 0 || at > 1 {
			t.Errorf("logarithmic(%v).at(%v) = %v", c, c[1], at)
		}
	}
}
