package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Chart is a picture of horizontal bars, each with its spread.
type Chart struct {
	Name   string // of the file
	Title  string
	Series []string // who the bars can belong to
	Bars   []Bar    // those of one section, and of one label, next to each other
	Mark   float64  // where a line is drawn; 0: nowhere
	Log    bool     // the scale is logarithmic
}

// A Bar is one figure: a median above zero, the least and the greatest.
type Bar struct {
	Section, Label          string
	Series                  int // index
	Middle, Least, Greatest float64
}

// Measures of a chart, in pixels.
const (
	chartWidth   = 760
	labelWidth   = 250 // names of the rows, left of the bars
	figureWidth  = 50  // right of them
	barHeight    = 11
	rowGap       = 5
	sectionSpace = 24
	headSpace    = 48
	footSpace    = 24
	plotWidth    = chartWidth - labelWidth - figureWidth
)

// colours of the series: Okabe and Ito's, which the colour-blind tell apart.
var colours = []string{"#0072B2", "#E69F00", "#009E73"}

// SVG draws the chart. Text is text, in the reader's own sans-serif face.
func (c Chart) SVG() string {
	body, height := c.body()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<text x="8" y="18" font-size="14" font-weight="bold">%s</text>`+"\n", html.EscapeString(c.Title))
	x := 8
	for i, name := range c.Series {
		if !c.shows(i) {
			continue
		}
		fmt.Fprintf(&b, `<rect x="%d" y="28" width="10" height="10" fill="%s"/><text x="%d" y="37">%s</text>`+"\n",
			x, colours[i%len(colours)], x+14, html.EscapeString(name))
		x += 14 + 8*len(name) + 16
	}
	bottom := height - footSpace
	for _, tick := range c.ticks() {
		at := c.x(tick)
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle" fill="#555">%g</text>`+"\n",
			at, headSpace, bottom, at, bottom+14, tick)
	}
	b.WriteString(body)
	if c.Mark > 0 {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#000"/>`+"\n", c.x(c.Mark), headSpace, bottom)
	}
	return b.String() + "</svg>\n"
}

// body draws the bars and says how high the picture becomes.
func (c Chart) body() (svg string, height int) {
	var b strings.Builder
	y := headSpace
	var section, label string
	for i, bar := range c.Bars {
		if bar.Section != section {
			y += sectionSpace
			fmt.Fprintf(&b, `<text x="8" y="%d" font-weight="bold">%s</text>`+"\n", y-7, html.EscapeString(bar.Section))
		}
		if bar.Section != section || bar.Label != label {
			if i > 0 && bar.Section == section {
				y += rowGap
			}
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labelWidth-8, y+9, html.EscapeString(bar.Label))
		}
		section, label = bar.Section, bar.Label
		middle := float64(y) + barHeight/2.0
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, labelWidth, y, c.x(bar.Middle)-labelWidth, barHeight, colours[bar.Series%len(colours)])
		fmt.Fprintf(&b, `<path d="M%.1f %.1fH%.1fm0 -3v6M%.1f %.1fv6" stroke="#333" fill="none"/>`,
			c.x(bar.Least), middle, c.x(bar.Greatest), c.x(bar.Least), middle-3)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" font-size="10" fill="#333">%.2f</text>`+"\n", chartWidth-6, y+9, bar.Middle)
		y += barHeight
	}
	return b.String(), y + rowGap + footSpace
}

// shows says whether a series has bars.
func (c Chart) shows(series int) bool {
	for _, bar := range c.Bars {
		if bar.Series == series {
			return true
		}
	}
	return false
}

// bounds are the ends of the scale: 0, or a power of ten, and what is above all bars and their spread.
func (c Chart) bounds() (least, greatest float64) {
	least, greatest = math.Inf(1), c.Mark
	for _, bar := range c.Bars {
		least, greatest = min(least, bar.Least), max(greatest, bar.Greatest)
	}
	if c.Log {
		if !(least > 0) || math.IsInf(least, 0) || !(greatest > 0) {
			return 0.01, 1
		}
		least = math.Pow(10, math.Floor(math.Log10(least)))
		return least, max(math.Pow(10, math.Ceil(math.Log10(greatest))), 10*least)
	}
	step := tickStep(greatest)
	return 0, max(math.Ceil(greatest/step), 1) * step
}

// x is where a figure lies.
func (c Chart) x(figure float64) float64 {
	least, greatest := c.bounds()
	part := figure / greatest
	if c.Log {
		part = math.Log(max(figure, least)/least) / math.Log(greatest/least)
	}
	return labelWidth + plotWidth*part
}

// ticks are the figures that the scale names.
func (c Chart) ticks() []float64 {
	least, greatest := c.bounds()
	var ticks []float64
	if c.Log {
		for power := math.Round(math.Log10(least)); power <= math.Round(math.Log10(greatest)); power++ {
			ticks = append(ticks, math.Pow(10, power))
		}
		return ticks
	}
	step := tickStep(greatest)
	for i := range int(math.Round(greatest/step)) + 1 {
		ticks = append(ticks, math.Round(float64(i)*step*1e6)/1e6)
	}
	return ticks
}

// tickStep is 1, 2 or 5 times a power of ten, ten of which reach as far as the figure at least.
func tickStep(greatest float64) float64 {
	if !(greatest > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(greatest/10)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power*10 >= greatest {
			return factor * power
		}
	}
	return 10 * power
}
