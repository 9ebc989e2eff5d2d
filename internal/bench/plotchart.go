package bench

import (
	"math"
	"strconv"
)

// chart is one frame with axes. Agents stand on a logarithmic axis, with a tick
// where something was measured.
type chart struct {
	left, top int
	title     string
	agents    []int
	y         scale
}

// scale maps values to 0 (bottom) … 1 (top).
type scale struct {
	log      bool
	low, top float64
	ticks    []float64
}

// linear begins at 0 and ends at a round number that is at least most.
func linear(most float64) scale {
	if most <= 0 {
		most = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for _, finer := range []float64{5, 2.5, 2} { // about five ticks
		if most/step < 2 || most/step < 4 && finer <= 2.5 {
			step /= finer
			break
		}
	}
	s := scale{top: math.Ceil(most/step) * step}
	for v := 0.0; v <= s.top*1.0001; v += step {
		s.ticks = append(s.ticks, v)
	}
	return s
}

// logarithmic has ticks at 1, 2 and 5 of each decade, or at the decades alone if
// there are many. It covers low to most and is never empty.
func logarithmic(low, most float64) scale {
	if math.IsInf(low, 1) || low <= 0 {
		low = 0.1
	}
	most = max(most, low*2)
	s := scale{log: true, low: floorStep(low), top: ceilStep(most)}
	steps := []float64{1, 2, 5}
	if s.top/s.low > 2000 {
		steps = steps[:1]
	}
	for decade := math.Pow(10, math.Floor(math.Log10(s.low))); decade <= s.top; decade *= 10 {
		for _, step := range steps {
			if v := decade * step; v >= s.low*0.999 && v <= s.top*1.001 {
				s.ticks = append(s.ticks, v)
			}
		}
	}
	return s
}

// floorStep is the largest 1, 2 or 5 of a decade that is not above v.
func floorStep(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{5, 2} {
		if decade*step <= v {
			return decade * step
		}
	}
	return decade
}

// ceilStep is the smallest that is not below v.
func ceilStep(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if decade*step >= v {
			return decade * step
		}
	}
	return decade * 10
}

// at is where a value stands.
func (s scale) at(v float64) float64 {
	if !s.log {
		return v / s.top
	}
	return math.Log(max(v, s.low)/s.low) / math.Log(s.top/s.low)
}

func (ch chart) yOf(v float64) float64 {
	return float64(ch.top) + chartHeight*(1-ch.y.at(v))
}

// xOf leaves a little room at both ends; a single number stands in the middle.
func (ch chart) xOf(agents int) float64 {
	const inset = 24.0
	first, last := float64(ch.agents[0]), float64(ch.agents[len(ch.agents)-1])
	if first == last {
		return float64(ch.left) + chartWidth/2
	}
	return float64(ch.left) + inset + (chartWidth-2*inset)*math.Log(float64(agents)/first)/math.Log(last/first)
}

// frame draws title, grid, ticks and axes.
func (ch chart) frame(c *canvas) {
	bottom, right := ch.top+chartHeight, ch.left+chartWidth
	c.text(ch.left, ch.top-12, "label", ch.title)
	for _, v := range ch.y.ticks {
		y := int(math.Round(ch.yOf(v)))
		c.line(ch.left, y, right, y, `stroke="#e3e6ea"`)
		c.text(ch.left-8, y+4, "tick end", tickText(v))
	}
	free := math.Inf(-1) // up to where the last label reaches
	for _, n := range ch.agents {
		x := ch.xOf(n)
		c.line(int(x), bottom, int(x), bottom+5, `stroke="#57606a"`)
		label := strconv.Itoa(n)
		half := float64(len(label))*3.6 + 3
		if x-half < free { // too near to the last one to be read
			continue
		}
		c.text(int(x), bottom+20, "tick middle", label)
		free = x + half
	}
	c.text(ch.left+chartWidth/2, bottom+40, "tick middle", "agents")
	c.line(ch.left, ch.top, ch.left, bottom, `stroke="#57606a"`)
	c.line(ch.left, bottom, right, bottom, `stroke="#57606a"`)
}

// tickText writes a value of an axis without digits that say nothing.
func tickText(v float64) string {
	if v >= 1000 {
		return count(int64(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// threshold draws a value that curves are to be compared with.
func (ch chart) threshold(c *canvas, v float64, name string) {
	if v <= 0 {
		return
	}
	y := int(math.Round(ch.yOf(v)))
	c.line(ch.left, y, ch.left+chartWidth, y, `stroke="#8b949e" stroke-width="1.5" stroke-dasharray="2 3"`)
	c.text(ch.left+chartWidth-4, y-5, "tick end", name)
}

// curve draws one value of all points: a line, and a marker on each.
func (ch chart) curve(c *canvas, l *curve, dashed bool, value func(Result) float64) {
	var xs, ys []float64
	for _, res := range l.points {
		if v := value(res); v > 0 {
			xs, ys = append(xs, ch.xOf(res.Agents)), append(ys, ch.yOf(v))
		}
	}
	c.path(xs, ys, l.color(), dashed)
	for i := range xs {
		c.marker(l.style, xs[i], ys[i], l.color())
	}
}
