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
	Row     Row
	Sides   [][]Measured // by program, by round
	Remarks []string     // what a reader of the figures should know
	Err     error        // why there are no figures
}

// A Report is the whole of what is printed: Markdown that is also readable as it is.
type Report struct {
	Heading  []string // lines on the machine and the method
	Programs []string // their names; ratios are to the one at reference
	Sections []Section
}

// A Section is what became of a group.
type Section struct {
	Name, About string
	Results     []Result
}

// The columns, and the table of them. The first two are aligned to the left.
var (
	columns = []string{"row", "server", "rps", "ratio", "p50 ms", "p99 ms", "p99.9 ms", "p99 ratio", "CPU µs", "CPU ratio", "RssAnon MiB", "reads", "writes"}
	table   = rig.Table{Widths: []int{33, 8, 8, 18, 8, 8, 8, 18, 9, 18, 11, 6, 6}, Left: 2}
)

// Head is everything above the first section.
func (r Report) Head() string {
	var b strings.Builder
	for _, line := range r.Heading {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	return b.String()
}

// Head is everything above the first row of a section.
func (s Section) Head() string {
	return "\n## " + s.Name + "\n\n" + s.About + "\n\n" + table.Head(columns...)
}

// Lines are the row of the table, a line for each program. A row that failed has no figures at all.
func (r Result) Lines(programs []string) string {
	if r.Err != nil {
		return table.Line(append([]string{r.Row.Name(), "", "failed"}, slices.Repeat([]string{"–"}, len(columns)-3)...)...)
	}
	var b strings.Builder
	for i, program := range programs {
		name := ""
		if i == 0 {
			name = r.Row.Name()
		}
		middle := func(figure func(Measured) float64, digits int) string {
			return rig.Number(rig.Median(column(r.Sides[i], figure)), digits)
		}
		throughput := r.ratio(i, rps)
		if i != reference && r.Row.paced() {
			throughput = "–"
		}
		b.WriteString(table.Line(name, program, middle(rps, 0), throughput,
			middle(p50ms, 2), middle(p99ms, 2), middle(p999ms, 2), r.ratio(i, p99ms),
			middle(cpuus, 2), r.ratio(i, cpuus), middle(anonMiB, 1), middle(reads, 2), middle(writes, 2)))
	}
	return b.String()
}

// ratio is a program's figures divided by the reference's, as text; nothing for the reference itself.
func (r Result) ratio(program int, figure func(Measured) float64) string {
	if program == reference {
		return ""
	}
	return spread(r.ratios(program, figure))
}

func (r Result) ratios(program int, figure func(Measured) float64) []float64 {
	return rig.Ratios(column(r.Sides[program], figure), column(r.Sides[reference], figure))
}

// Foot is everything below the last section: how to read it, remarks, and why rows failed.
func (r Report) Foot() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMedians of the rounds. Ratio: a server's figure divided by %s's in the same round; the median of the rounds, the least and the\n"+
		"greatest in brackets. CPU: user and system time of the server per request. RssAnon: at the end of a run. Reads and writes: calls of\n"+
		"these two families per request, on sockets and files, as /proc/PID/io counts them; epoll_wait and fsync are not among them.\n",
		r.Programs[reference])
	for _, section := range r.Sections {
		for _, result := range section.Results {
			for _, remark := range result.Remarks {
				fmt.Fprintf(&b, "\n- %s: %s", result.Row.Name(), remark)
			}
			if result.Err != nil {
				fmt.Fprintf(&b, "\n- %s failed: %s", result.Row.Name(), strings.ReplaceAll(strings.TrimSpace(result.Err.Error()), "\n", "\n      "))
			}
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// String is the complete report.
func (r Report) String() string {
	var b strings.Builder
	b.WriteString(r.Head())
	for _, section := range r.Sections {
		b.WriteString(section.Head())
		for _, result := range section.Results {
			b.WriteString(result.Lines(r.Programs))
		}
	}
	b.WriteString(r.Foot())
	return b.String()
}

// Failed names the rows without figures.
func (r Report) Failed() []string {
	var names []string
	for _, section := range r.Sections {
		for _, result := range section.Results {
			if result.Err != nil {
				names = append(names, result.Row.Name())
			}
		}
	}
	return names
}

// spread prints a median with the least and the greatest: "1.03 [0.99–1.08]".
func spread(quotients []float64) string {
	middle := rig.Median(quotients)
	if math.IsNaN(middle) {
		return "–"
	}
	return fmt.Sprintf("%.2f [%.2f–%.2f]", middle, slices.Min(quotients), slices.Max(quotients))
}
