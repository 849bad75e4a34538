package rig

import (
	"fmt"
	"strings"
)

// Table is a table of Markdown, printed line by line, whose columns line up before it is complete.
type Table struct {
	Widths []int // of the columns
	Left   int   // so many of them, the first ones, are aligned to the left, the others to the right
}

// Head is the names of the columns, and the line below them.
func (t Table) Head(names ...string) string {
	rules := make([]string, len(t.Widths))
	for i, width := range t.Widths {
		rules[i] = strings.Repeat("-", width)
		if i >= t.Left {
			rules[i] = strings.Repeat("-", width-1) + ":"
		}
	}
	return t.Line(names...) + t.Line(rules...)
}

// Line pads the cells to the columns' widths.
func (t Table) Line(cells ...string) string {
	if len(cells) != len(t.Widths) {
		panic(fmt.Sprintf("BUG: %d cells in %d columns", len(cells), len(t.Widths)))
	}
	var b strings.Builder
	for i, cell := range cells {
		width := t.Widths[i]
		if i < t.Left {
			width = -width
		}
		fmt.Fprintf(&b, "| %*s ", width, cell)
	}
	return b.String() + "|\n"
}
