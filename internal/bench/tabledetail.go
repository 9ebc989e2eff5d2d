package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"agentbridge"
)

// more is what a result has besides its row, in paragraphs: processor time and
// figures of its own, kinds of errors, its note. All figures are in the JSON
// form; what can be seen from others is left out here.
func (r Result) more() []string {
	figures := strings.Join(slices.Concat(r.cpu(), r.times(), r.others()), "; ")
	var errors []string
	for _, kind := range slices.Sorted(maps.Keys(r.ErrorsBy)) {
		errors = append(errors, fmt.Sprintf("%s: %s", plural(int(r.ErrorsBy[kind]), "error"), agentbridge.InertLine(kind)))
	}
	return []string{figures, strings.Join(errors, "; "), agentbridge.InertLine(r.Note)}
}

// cpu tells processor times in all, and what one operation cost the bridge.
func (r Result) cpu() []string {
	switch {
	case r.ServerCPU != nil && r.ClientCPU != nil:
		return []string{fmt.Sprintf("CPU: server %s, agents %s s", r.seconds(*r.ServerCPU), digits(*r.ClientCPU))}
	case r.ServerCPU != nil:
		return []string{"CPU: server " + r.seconds(*r.ServerCPU)}
	case r.ClientCPU != nil && r.Door == Engine:
		return []string{"CPU: bridge and agents " + r.seconds(*r.ClientCPU)}
	case r.ClientCPU != nil:
		return []string{fmt.Sprintf("CPU: agents %s s", digits(*r.ClientCPU))}
	}
	return nil
}

// seconds tells a time in all and by operation.
func (r Result) seconds(s float64) string {
	text := digits(s) + " s"
	if r.Count > 0 && s > 0 {
		text += fmt.Sprintf(" (%s ms each)", digits(s*1000/float64(r.Count)))
	}
	return text
}

const p50, p99 = " p50 ms", " p99 ms"

// times tells the latencies that stand among a result's figures, with their
// counts: "20 acks 10.8/45.6".
func (r Result) times() []string {
	var list []string
	both := "p50"
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		what, ok := strings.CutSuffix(name, p50)
		if !ok {
			continue
		}
		text := what
		if n, ok := r.Figures[what+"s"]; ok {
			text = plural(int(n), what)
		}
		text += " " + digits(r.Figures[name])
		if v, ok := r.Figures[what+p99]; ok {
			text, both = text+"/"+digits(v), "p50/p99"
		}
		list = append(list, text)
	}
	if list == nil {
		return nil
	}
	return []string{both + " in ms: " + strings.Join(list, ", ")}
}

// others tells the figures that are no latencies.
func (r Result) others() (list []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		if r.toldElsewhere(name) {
			continue
		}
		text := name + " " + figureText(r.Figures[name])
		if rate, ok := r.Figures[name+"/s"]; ok {
			text += fmt.Sprintf(" (%s/s)", digits(rate))
		}
		list = append(list, text)
	}
	return list
}

// toldElsewhere tells whether a figure is part of what is written of another
// one, or of the processor times.
func (r Result) toldElsewhere(name string) bool {
	has := func(name string) bool { _, ok := r.Figures[name]; return ok }
	what, rate := strings.CutSuffix(name, "/s")
	return strings.HasSuffix(name, p50) || has(strings.TrimSuffix(name, p99)+p50) && strings.HasSuffix(name, p99) ||
		has(strings.TrimSuffix(name, "s")+p50) || rate && has(what) || strings.Contains(name, "CPU s/1000 ")
}
