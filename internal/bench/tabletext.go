package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// tableWidth is where text in a table wraps.
const tableWidth = 100

// none stands where there is no figure.
const none = "–"

// compare tells how the i-th target's result compares with the first one's.
func (g *group) compare(i int) string {
	if i == 0 || g.results[0].Target == g.results[i].Target {
		return ""
	}
	first, this := g.results[0], g.results[i]
	var parts []string
	for _, f := range []struct {
		name string
		a, b float64
	}{{"rate", first.Rate, this.Rate}, {"p50", first.P50, this.P50}, {"p99", first.P99, this.P99}} {
		if f.a > 0 && f.b > 0 {
			parts = append(parts, fmt.Sprintf("%s ×%s", f.name, digits(f.a/f.b)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return first.Target + " to " + this.Target + ": " + strings.Join(parts, ", ")
}

// figureText writes a figure of a scenario's own; whole numbers are counts.
func figureText(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return count(int64(v))
	}
	return digits(v)
}

// digits writes a number with three that mean something, and thousands apart.
func digits(v float64) string {
	switch {
	case v == 0 || math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case math.Abs(v) >= 99.95:
		return count(int64(math.Round(v)))
	case math.Abs(v) < 0.0005:
		return strconv.FormatFloat(v, 'g', 2, 64)
	case math.Abs(v) < 0.9995:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case math.Abs(v) < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// count writes an integer with thousands apart.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func bytesText(n int64) string {
	if n <= 0 {
		return "unknown memory"
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func joinDoors(doors []Door) string {
	var names []string
	for _, d := range doors {
		names = append(names, string(d))
	}
	return strings.Join(names, ", ")
}

// writeWrapped writes a text in lines of at most tableWidth characters, all
// indented; nothing for no text.
func writeWrapped(b *strings.Builder, indent, text string) {
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line) > len(indent) && len([]rune(line))+1+len([]rune(word)) > tableWidth {
			fmt.Fprintln(b, line)
			line = indent
		}
		if len(line) > len(indent) {
			line += " "
		}
		line += word
	}
	if len(line) > len(indent) {
		fmt.Fprintln(b, line)
	}
}
