package bench

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// palette are colours that people who don't see red or green tell apart too
// (Okabe and Ito), dark enough for white.
var palette = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7a5195"}

// canvas collects the elements of an SVG. All text goes through text, which
// escapes it.
type canvas struct{ strings.Builder }

func newCanvas(width, height int) *canvas {
	c := &canvas{}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">
<style>.title{font-size:20px;font-weight:bold;fill:#1f2328}.heading{font-size:16px;font-weight:bold;fill:#1f2328}.label{font-size:13px;fill:#1f2328}.small{font-size:12px;fill:#57606a}.tick{font-size:12px;fill:#424a53}.end{text-anchor:end}.middle{text-anchor:middle}</style>
<rect width="100%%" height="100%%" fill="#ffffff"/>
`, width, height)
	return c
}

// String closes the picture.
func (c *canvas) String() string { return c.Builder.String() + "</svg>\n" }

func (c *canvas) text(x, y int, class, text string) {
	fmt.Fprintf(c, `<text x="%d" y="%d" class="%s">`, x, y, class)
	_ = xml.EscapeText(c, []byte(text)) // a Builder takes everything
	c.WriteString("</text>\n")
}

func (c *canvas) line(x1, y1, x2, y2 int, style string, args ...any) {
	fmt.Fprintf(c, `<line x1="%d" y1="%d" x2="%d" y2="%d" %s/>`+"\n", x1, y1, x2, y2, fmt.Sprintf(style, args...))
}

func (c *canvas) path(xs, ys []float64, color string, dashed bool) {
	if len(xs) < 2 {
		return
	}
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(c, `<path fill="none" stroke="%s" stroke-width="2"%s d="`, color, dash)
	for i := range xs {
		step := "L"
		if i == 0 {
			step = "M"
		}
		fmt.Fprintf(c, "%s%.1f %.1f", step, xs[i], ys[i])
	}
	c.WriteString("\"/>\n")
}

// marker draws a point: curves differ in shape as well as in colour.
func (c *canvas) marker(shape int, x, y float64, color string) {
	const r = 4.0
	switch shape % 4 {
	case 0:
		fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`+"\n", x, y, r, color)
	case 1:
		c.shape(color, x-r, y-r, x+r, y-r, x+r, y+r, x-r, y+r)
	case 2:
		c.shape(color, x, y-r-1, x+r+1, y+r, x-r-1, y+r)
	default:
		c.shape(color, x, y-r-1, x+r+1, y, x, y+r+1, x-r-1, y)
	}
}

// shape fills a polygon; corners are x and y in turn.
func (c *canvas) shape(color string, corners ...float64) {
	fmt.Fprintf(c, `<polygon fill="%s" points="`, color)
	for i := 0; i < len(corners); i += 2 {
		fmt.Fprintf(c, "%.1f,%.1f ", corners[i], corners[i+1])
	}
	c.WriteString("\"/>\n")
}
