package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"agentbridge"
)

// WriteTable writes a report for people: the machine on top, a block for each
// scenario, and in it the lines of one case on several targets together.
func (r Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	for _, block := range blocks(r.Results) {
		block.write(&b, len(r.Targets) > 1)
	}
	r.foot(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) head(b *strings.Builder) {
	m := r.Machine
	line := func(name, format string, args ...any) {
		fmt.Fprintf(b, "%-9s %s\n", name, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
	program := "agentbridge " + m.Program
	if m.Revision != "" {
		program += " (" + m.Revision + ")"
	}
	line("program", "%s, %s, CGO %s, race detector %s", program, m.Go, onOff(m.CGO), onOff(m.Race))
	line("machine", "%s; %s, %s; %s/%s %s", known(m.CPU), plural(m.Cores, "core"), bytesText(m.Memory), m.OS, m.Arch, m.Kernel)
	line("load", "%s before, %s after%s", m.LoadBefore, m.LoadAfter, stolenText(m.Stolen))
	line("disk", "%s; fdatasync of 4 KiB %s: p50 %s ms, p99 %s ms",
		known(m.Filesystem), r.where(), digits(m.Fdatasync), digits(m.FdatasyncP99))
	line("columns", "p50 to max in ms; ÷sync is p50 divided by that of fdatasync, taken right before;")
	line("", "lost, dup, order: messages that were lost, came twice, came in another order")
	line("measured", "%s, in %s; %v each, messages of %s", r.When.Format(time.DateTime+"Z"), spanOf(r.Seconds).Round(100*time.Millisecond), spanOf(r.Settings.Seconds), plural(r.Settings.Size, "byte"))
	if r.Settings.Limits != "" {
		line("limits", "of our own server: %s", r.Settings.Limits)
	}
	for _, t := range r.Targets {
		line("target", "%s, through %s", t.Name, joinDoors(t.Doors))
	}
}

// where is what the disk's figures are of. Where a server keeps its database
// that we did not start, nobody tells.
func (r Report) where() string {
	if r.Settings.Limits == "" {
		return "in --dir, perhaps not the server's"
	}
	return "beside the databases"
}

func spanOf(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// String is the three averages; the zero pointer is an unknown load.
func (l *Load) String() string {
	if l == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.2f %.2f %.2f", l[0], l[1], l[2])
}

func (r Report) foot(b *strings.Builder) {
	for _, text := range r.Incomplete {
		fmt.Fprintf(b, "\nincomplete: %s", text)
	}
	for _, text := range r.Failures() {
		fmt.Fprintf(b, "\nFAILED: %s", text)
	}
	if r.Interrupted {
		b.WriteString("\ninterrupted: this is what was measured until then")
	}
	if len(r.Incomplete) > 0 || r.Failed() || r.Interrupted {
		b.WriteString("\n")
	}
}

// block is the results of one scenario.
type block struct {
	scenario string
	groups   []*group
}

// group is one case on each target: what can be compared.
type group struct {
	key     groupKey
	results []Result
}

type groupKey struct {
	door   Door
	text   string
	agents int
}

// blocks puts results together that belong together, in the order in which
// each first came.
func blocks(results []Result) []*block {
	var list []*block
	byName := map[string]*block{}
	for _, res := range results {
		bl := byName[res.Scenario]
		if bl == nil {
			bl = &block{scenario: res.Scenario}
			byName[res.Scenario] = bl
			list = append(list, bl)
		}
		bl.add(res)
	}
	return list
}

func (bl *block) add(res Result) {
	key := groupKey{res.Door, res.Case, res.Agents}
	for _, g := range bl.groups {
		if g.key == key {
			g.results = append(g.results, res)
			return
		}
	}
	bl.groups = append(bl.groups, &group{key, []Result{res}})
}

func (bl *block) write(b *strings.Builder, severalTargets bool) {
	fmt.Fprintf(b, "\n%s\n", bl.scenario)
	for _, sc := range Scenarios() {
		if sc.Name == bl.scenario {
			writeAbout(b, sc)
		}
	}
	rows := [][]string{columns(severalTargets)}
	below := [][]string{nil} // what stands under each row
	for _, g := range bl.groups {
		for i, res := range g.results {
			rows = append(rows, row(res, severalTargets))
			below = append(below, append(res.more(), g.compare(i)))
		}
	}
	writeRows(b, rows, below)
}

func writeAbout(b *strings.Builder, sc Scenario) {
	writeWrapped(b, "  ", sc.About)
	if sc.Claim != "" {
		writeWrapped(b, "  ", "claimed by reference A: "+sc.Claim)
	}
}

// texts are the columns that are not numbers; they stand on the left.
func texts(severalTargets bool) int {
	if severalTargets {
		return 3
	}
	return 2
}

func columns(severalTargets bool) []string {
	list := []string{"door", "case", "agents", "rate/s", "p50", "p95", "p99", "max", "÷sync", "errors", "lost", "dup", "order"}
	if severalTargets {
		return append([]string{"target"}, list...)
	}
	return list
}

func row(res Result, severalTargets bool) []string {
	cells := []string{string(res.Door), agentbridge.InertLine(res.Case), count(int64(res.Agents)),
		digits(res.Rate), digits(res.P50), digits(res.P95), digits(res.P99), digits(res.Max), digits(res.Ratio),
		fmt.Sprint(res.Errors), fmt.Sprint(res.Lost), fmt.Sprint(res.Duplicated), fmt.Sprint(res.Disordered)}
	if res.Count == 0 && res.Seconds == 0 && res.Errors == 0 && !res.Failed() { // no zeros that look like measurements
		clear(cells[2:])
	}
	if severalTargets {
		return append([]string{res.Target}, cells...)
	}
	return cells
}

// writeRows aligns the columns: texts to the left, numbers to the right.
func writeRows(b *strings.Builder, rows, below [][]string) {
	left := texts(len(rows[0]) > 13)
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, cells := range rows {
		line := "  "
		for i, cell := range cells {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < left {
				line += cell + pad + "  "
			} else {
				line += pad + cell + " "
			}
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
		for _, text := range below[n] {
			writeWrapped(b, "      ", text)
		}
	}
}

// stolenText says how much of the machine others had meanwhile.
func stolenText(percent *float64) string {
	if percent == nil {
		return ""
	}
	return fmt.Sprintf("; %.1f %% of the cores' time stolen by other virtual machines", *percent)
}
