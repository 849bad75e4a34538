package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"holdfast/bench/rig"
)

// What holdfast is to reach. Each is a greatest value of what a row judges.
const (
	loadedBound        = 0.7  // of the bytes that Redis holds for a key
	cleanStopBound     = 0.02 // of Redis's time to the first GET, from RDB
	killBound          = 0.05 // likewise
	hydrationBound     = 1.0  // of Redis's time to load an RDB file
	hydrationP99Bound  = 3.0  // times the quiet one
	checkpointBound    = 0.3  // of the time of a BGSAVE
	extraMemoryBound   = 5    // percent
	checkpointP99Bound = 1.5  // times the quiet one
	sliceBound         = 1000 // microseconds
	coldGetBound       = 50   // microseconds
	churnBound         = 0.9  // of the bytes that Redis holds for a key
	connectionBound    = 1.0  // of the bytes that Redis holds for a connection
	collectionBound    = 1.0  // of the bytes that Redis holds for an element
)

// Columns of the figures.
const (
	holdfastColumn = iota
	rdbColumn
	aofColumn
	columns
)

// sides are the figures of a row: by column, then by round. A column without any was not measured.
type sides [columns][]float64

func (s *sides) add(column int, figure float64) { s[column] = append(s[column], figure) }

// last is the figure that was added last.
func (s *sides) last(column int) float64 { return s[column][len(s[column])-1] }

// A Row is one line of the table.
type Row struct {
	Keys   uint64
	What   string // with its unit
	Sides  sides
	Digits int // decimals of the figures

	judged []float64 // what the verdict is about, by round; nil: nothing
	unit   string    // of judged
	worst  bool      // judged by the greatest round, not the median
	bound  float64   // 0: none
}

// besideRDB judges holdfast's figures by those of Redis with RDB in the same rounds.
func (r Row) besideRDB() Row {
	r.judged, r.unit = rig.Ratios(r.Sides[holdfastColumn], r.Sides[rdbColumn]), "× RDB"
	return r
}

// besideQuiet judges holdfast's figures by its own of the same rounds when it was quiet.
func (r Row) besideQuiet(quiet sides) Row { return r.beside(quiet, "× quiet") }

func (r Row) beside(other sides, unit string) Row {
	r.judged, r.unit = rig.Ratios(r.Sides[holdfastColumn], other[holdfastColumn]), unit
	return r
}

// itself judges holdfast's figures as they are.
func (r Row) itself(unit string) Row {
	r.judged, r.unit = r.Sides[holdfastColumn], unit
	return r
}

func (r Row) atWorst() Row {
	r.worst = true
	return r
}

func (r Row) within(bound float64) Row {
	r.bound = bound
	return r
}

// value is what the verdict is about; NaN where nothing is judged.
func (r Row) value() float64 {
	if r.worst && len(r.judged) > 0 {
		return slices.Max(r.judged)
	}
	return rig.Median(r.judged)
}

// Verdict is "met", "missed", or a dash where nothing is wanted. What could not be measured has not been met.
func (r Row) Verdict() string {
	switch {
	case r.bound == 0:
		return "–"
	case r.value() <= r.bound:
		return "met"
	}
	return "missed"
}

// judgement prints what is judged, and how far the rounds are apart: "0.31 [0.29–0.35] × RDB".
func (r Row) judgement() string {
	if len(r.judged) == 0 || math.IsNaN(r.value()) {
		return "–"
	}
	text := significant(r.value())
	least, greatest := significant(slices.Min(r.judged)), significant(slices.Max(r.judged))
	if least != greatest {
		text += " [" + least + "–" + greatest + "]"
	}
	return text + " " + r.unit
}

// significant prints three digits of a number that is not large, and all before the point of one that is.
func significant(n float64) string {
	decimals := 0
	for limit := 100.0; math.Abs(n) < limit && decimals < 4; limit /= 10 {
		decimals++
	}
	return fmt.Sprintf("%.*f", decimals, n)
}

// table is the table of results. Its first two columns are aligned to the left.
var table = rig.Table{Widths: []int{6, 46, 11, 11, 11, 32, 7, 7}, Left: 2}

// tableHead is the first two lines of the table.
func tableHead() string {
	return table.Head("keys", "figure", "holdfast", "redis RDB", "redis AOF", "judged", "wanted", "verdict")
}

// Line is the row of the table: medians of the rounds, and the verdict.
func (r Row) Line() string {
	cells := []string{millions(r.Keys), r.What}
	for _, figures := range r.Sides {
		cells = append(cells, rig.Number(rig.Median(figures), r.Digits))
	}
	wanted := "–"
	if r.bound != 0 {
		wanted = fmt.Sprintf("≤ %g", r.bound)
	}
	return table.Line(append(cells, r.judgement(), wanted, r.Verdict())...)
}

// A Report is the whole of what is printed: Markdown that is also readable as it is.
type Report struct {
	Heading []string // lines on the machine and the method
	Rows    []Row
	Remarks []string // what a reader of the figures should know; failures too
}

// Head is everything above the first row.
func (r Report) Head() string {
	var b strings.Builder
	for _, line := range r.Heading {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	return b.String() + "\n" + tableHead()
}

// Foot is everything below the last row.
func (r Report) Foot() string {
	met, missed := 0, 0
	for _, row := range r.Rows {
		switch row.Verdict() {
		case "met":
			met++
		case "missed":
			missed++
		}
	}
	text := fmt.Sprintf("\nMedians of the rounds; in brackets the least and the greatest of what is judged. %d met, %d missed.\n", met, missed)
	for i, remark := range r.Remarks {
		if i == 0 {
			text += "\n"
		}
		text += "- " + strings.ReplaceAll(strings.TrimSpace(remark), "\n", "\n      ") + "\n"
	}
	return text
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
