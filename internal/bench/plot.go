package bench

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// WritePlot draws rate and latency by number of agents as an SVG: two charts
// for each case that was measured with several numbers, a colour for each
// target and door. The picture refers to nothing outside itself.
func (r Report) WritePlot(w io.Writer) error {
	panels := r.panels()
	height := plotTop + len(panels)*panelHeight + plotBottom
	if len(panels) == 0 {
		height += panelHeight
	}
	c := newCanvas(plotWidth, height)
	c.text(plotMargin, 34, "title", "agentbridge bench: rate and latency by number of agents")
	c.text(plotMargin, 56, "small", r.subtitle())
	if len(panels) == 0 {
		c.text(plotMargin, plotTop+40, "label", "Nothing in this run was measured with a number of agents.")
	}
	for i, p := range panels {
		p.draw(c, plotTop+i*panelHeight, r.Machine.Fdatasync)
	}
	c.text(plotMargin, height-18, "small", "One connection for each agent, one call at a time. Percentiles are of all operations; nothing is sampled.")
	_, err := io.WriteString(w, c.String())
	return err
}

// The picture's measures, in pixels.
const (
	plotWidth   = 1000
	plotMargin  = 32
	plotTop     = 84
	plotBottom  = 44
	panelHeight = 388
	chartWidth  = 396
	chartHeight = 216
	chartLeft   = 84  // of the first chart's axis
	chartGap    = 92  // between the charts: the second one's labels
	chartTop    = 106 // below the panel's top: its title and legend
)

func (r Report) subtitle() string {
	m := r.Machine
	parts := []string{r.When.Format(time.DateOnly)}
	if m.CPU != "" {
		parts = append(parts, m.CPU)
	}
	parts = append(parts, plural(m.Cores, "core"))
	if m.Filesystem != "" {
		parts = append(parts, fmt.Sprintf("%s, fdatasync %s ms", m.Filesystem, digits(m.Fdatasync)))
	}
	return strings.Join(append(parts, "messages of "+plural(r.Settings.Size, "byte")), " · ")
}

// panel is two charts of one case of one scenario.
type panel struct {
	title string
	lines []*curve
}

// curve is one target through one door.
type curve struct {
	name   string
	style  int      // of colour and marker: the same in all charts
	points []Result // by agents, each number once
}

func (l *curve) color() string { return palette[l.style%len(palette)] }

// panels are the cases that have a curve; where there is none anywhere, those
// with points.
func (r Report) panels() []*panel {
	var list []*panel
	var names []string // of curves, by style
	for _, res := range r.Results {
		if res.Agents <= 0 || res.Count == 0 {
			continue
		}
		title := res.Scenario
		if res.Case != "" && res.Case != res.Scenario {
			title += ": " + res.Case
		}
		i := slices.IndexFunc(list, func(p *panel) bool { return p.title == title })
		if i < 0 {
			list = append(list, &panel{title: title})
			i = len(list) - 1
		}
		name := r.curveName(res)
		if !has(names, name) {
			names = append(names, name)
		}
		list[i].add(name, slices.Index(names, name), res)
	}
	curved := slices.DeleteFunc(slices.Clone(list), func(p *panel) bool { return len(p.agents()) < 2 })
	if len(curved) > 0 {
		return curved
	}
	return list
}

func (r Report) curveName(res Result) string {
	if len(r.Targets) > 1 {
		return res.Target + ", " + string(res.Door)
	}
	return string(res.Door)
}

func (p *panel) add(name string, style int, res Result) {
	i := slices.IndexFunc(p.lines, func(l *curve) bool { return l.name == name })
	if i < 0 {
		p.lines = append(p.lines, &curve{name: name, style: style})
		i = len(p.lines) - 1
	}
	l := p.lines[i]
	at, found := slices.BinarySearchFunc(l.points, res.Agents, func(r Result, n int) int { return cmp.Compare(r.Agents, n) })
	if !found {
		l.points = slices.Insert(l.points, at, res)
	}
}

// agents are the numbers on the horizontal axis.
func (p *panel) agents() []int {
	var list []int
	for _, l := range p.lines {
		for _, res := range l.points {
			list = append(list, res.Agents)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (p *panel) draw(c *canvas, top int, fdatasync float64) {
	c.text(plotMargin, top+22, "heading", p.title)
	p.legend(c, top+48)
	rate := chart{left: chartLeft, top: top + chartTop, agents: p.agents(), title: "operations per second"}
	rate.y = linear(p.most(func(r Result) float64 { return r.Rate }))
	rate.frame(c)
	late := chart{left: chartLeft + chartWidth + chartGap, top: rate.top, agents: rate.agents, title: "latency in ms: p50 solid, p99 dashed"}
	late.y = logarithmic(p.least(fdatasync), p.most(func(r Result) float64 { return max(r.P50, r.P99) }))
	late.frame(c)
	late.threshold(c, fdatasync, "fdatasync")
	for _, l := range p.lines {
		rate.curve(c, l, false, func(r Result) float64 { return r.Rate })
		late.curve(c, l, true, func(r Result) float64 { return r.P99 })
		late.curve(c, l, false, func(r Result) float64 { return r.P50 })
	}
}

// legend names the curves above the charts, in two rows if need be.
func (p *panel) legend(c *canvas, y int) {
	x := plotMargin
	for _, l := range p.lines {
		width := 34 + 8*len([]rune(l.name)) + 28
		if x+width > plotWidth && x > plotMargin {
			x, y = plotMargin, y+20
		}
		c.line(x, y-4, x+26, y-4, `stroke="%s" stroke-width="2.5"`, l.color())
		c.marker(l.style, float64(x)+13, float64(y)-4, l.color())
		c.text(x+34, y, "label", l.name)
		x += width
	}
}

// most is the largest value of all points, at least a little.
func (p *panel) most(value func(Result) float64) float64 {
	top := 0.0
	for _, l := range p.lines {
		for _, res := range l.points {
			top = max(top, value(res))
		}
	}
	return top
}

// least is the smallest latency, fdatasync's included.
func (p *panel) least(fdatasync float64) float64 {
	low := math.Inf(1)
	if fdatasync > 0 {
		low = fdatasync
	}
	for _, l := range p.lines {
		for _, res := range l.points {
			if res.P50 > 0 {
				low = min(low, res.P50)
			}
		}
	}
	return low
}
