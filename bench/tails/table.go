package main

import (
	"fmt"
	"strings"

	"holdfast/bench/rig"
)

// A Report is the whole of what is printed: Markdown that is also readable as it is.
type Report struct {
	Heading     []string
	Left, Right string // the two programs
	Rows        []Row
}

// A Row is one event.
type Row struct {
	Event string
	Sides [2]Side
}

// table is the table of events.
var table = rig.Table{Widths: []int{10, 15, 15, 17, 17, 15, 15, 17, 17}, Left: 1}

// Head is everything above the first row.
func (r Report) Head() string {
	var b strings.Builder
	for _, line := range r.Heading {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\n")
	cells := []string{"event"}
	for _, name := range []string{r.Left, r.Right} {
		cells = append(cells, name+" p99.9", name+" max", name+" stolen", name+" lasted")
	}
	b.WriteString(table.Head(cells...))
	return b.String()
}

// Line is the row of the table: milliseconds in the event, those of the quiet time before it in brackets.
func (r Row) Line() string {
	cells := []string{r.Event}
	for _, s := range r.Sides {
		cells = append(cells, pair(s.Event.P999, s.Quiet.P999), pair(s.Event.Max, s.Quiet.Max),
			fmt.Sprintf("%.0f (%.0f)", s.Event.Stolen, s.Quiet.Stolen), fmt.Sprintf("%.1f s", s.Seconds))
	}
	return table.Line(cells...)
}

// Foot is everything below the last row.
func (r Report) Foot() string {
	return "\nMilliseconds from when a request was due to its reply, in the event; in brackets those of the quiet time before it. " +
		"Stolen are milliseconds for which the machine below kept processors from this one.\n"
}

// String is the complete report.
func (r Report) String() string {
	var b strings.Builder
	b.WriteString(r.Head())
	for _, row := range r.Rows {
		b.WriteString(row.Line())
	}
	b.WriteString(r.Foot())
	return b.String()
}

func pair(event, quiet float64) string { return fmt.Sprintf("%.1f (%.1f)", event, quiet) }
