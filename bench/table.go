package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"holdfast/bench/rig"
)

// A Result is what became of one row.
type Result struct {
	Row         Row
	Left, Right []Measured // by round
	Remarks     []string   // what a reader of the figures should know
	Err         error      // why there are no figures
}

// A Report is the whole of what is printed: Markdown that is also readable as it is.
type Report struct {
	Heading     []string // lines on the machine and the method
	Left, Right string   // the two programs
	Results     []Result
}

// widths of the columns, so that the table lines up before it is complete. The first two are aligned to the left.
var widths = []int{8, 10, 8, 12, 9, 18, 15, 12, 15, 12, 18}

const columnsLeft = 2

// Head is everything above the first row.
func (r Report) Head() string {
	var b strings.Builder
	for _, line := range r.Heading {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\n")
	b.WriteString(tableLine("fsync", "command", "pipeline", r.Left+" rps", r.Right+" rps", "ratio",
		r.Left+" p99 ms", r.Right+" p99 ms", r.Left+" CPU µs", r.Right+" CPU µs", "CPU ratio"))
	rules := make([]string, len(widths))
	for i, width := range widths {
		rules[i] = strings.Repeat("-", width)
		if i >= columnsLeft {
			rules[i] = strings.Repeat("-", width-1) + ":"
		}
	}
	b.WriteString(tableLine(rules...))
	return b.String()
}

// Line is the row of the table. A row that failed has no figures at all.
func (r Result) Line() string {
	cells := []string{r.Row.Policy, r.Row.Workload.Name, fmt.Sprint(r.Row.Pipeline)}
	if r.Err != nil {
		return tableLine(append(cells, append([]string{"failed"}, slices.Repeat([]string{"–"}, len(widths)-4)...)...)...)
	}
	side := func(figure func(Measured) float64, digits int) []string {
		return []string{
			rig.Number(rig.Median(column(r.Left, figure)), digits),
			rig.Number(rig.Median(column(r.Right, figure)), digits),
		}
	}
	cells = append(cells, side(rps, 0)...)
	cells = append(cells, spread(rig.Ratios(column(r.Left, rps), column(r.Right, rps))))
	cells = append(cells, side(p99ms, 2)...)
	cells = append(cells, side(cpuus, 2)...)
	cells = append(cells, spread(rig.Ratios(column(r.Left, cpuus), column(r.Right, cpuus))))
	return tableLine(cells...)
}

// Foot is everything below the last row: how to read it, remarks, and why rows failed.
func (r Report) Foot() string {
	var b strings.Builder
	b.WriteString("\nMedians of the rounds. Ratio: the median of the rounds' ratios, and the least and greatest in brackets.\n" +
		"CPU: user and system time of the server per request.\n")
	for _, result := range r.Results {
		for _, remark := range result.Remarks {
			fmt.Fprintf(&b, "\n- %s: %s", result.Row.Name(), remark)
		}
		if result.Err != nil {
			fmt.Fprintf(&b, "\n- %s failed: %s", result.Row.Name(), strings.ReplaceAll(strings.TrimSpace(result.Err.Error()), "\n", "\n      "))
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// String is the complete report.
func (r Report) String() string {
	var b strings.Builder
	b.WriteString(r.Head())
	for _, result := range r.Results {
		b.WriteString(result.Line())
	}
	b.WriteString(r.Foot())
	return b.String()
}

// Failed names the rows without figures.
func (r Report) Failed() []string {
	var names []string
	for _, result := range r.Results {
		if result.Err != nil {
			names = append(names, result.Row.Name())
		}
	}
	return names
}

// tableLine pads the cells to the columns' widths.
func tableLine(cells ...string) string {
	if len(cells) != len(widths) {
		panic(fmt.Sprintf("BUG: %d cells in %d columns", len(cells), len(widths)))
	}
	var b strings.Builder
	for i, cell := range cells {
		width := widths[i]
		if i < columnsLeft {
			width = -width
		}
		fmt.Fprintf(&b, "| %*s ", width, cell)
	}
	return b.String() + "|\n"
}

// spread prints a median with the least and the greatest: "1.03 [0.99–1.08]".
func spread(quotients []float64) string {
	middle := rig.Median(quotients)
	if math.IsNaN(middle) {
		return "–"
	}
	return fmt.Sprintf("%.2f [%.2f–%.2f]", middle, slices.Min(quotients), slices.Max(quotients))
}
