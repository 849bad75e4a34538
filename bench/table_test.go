package main

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// aRow is the row of that name, such as "always SET/16".
func aRow(t *testing.T, name string) Row {
	t.Helper()
	for _, r := range allRows([]int{1, 16}) {
		if r.Name() == name {
			return r
		}
	}
	t.Fatalf("no row %s", name)
	return Row{}
}

func measured(rps, p99ms, cpuus float64) Measured { return Measured{Observed{rps, p99ms}, cpuus} }

func aReport(t *testing.T) Report {
	return Report{
		Heading: []string{"machine: one"},
		Left:    "holdfast", Right: "redis",
		Results: []Result{
			{
				Row:     aRow(t, "no SET/1"),
				Left:    []Measured{measured(100, 1, 10), measured(300, 3, 20), measured(200, 2, 30)},
				Right:   []Measured{measured(100, 2, 20), measured(100, 2, 20), measured(400, 2, 20)},
				Remarks: []string{"redis was tired"},
			},
			{Row: aRow(t, "always GET/16"), Err: errors.New("the server is gone;\nit wrote: FATAL")},
		},
	}
}

func TestTable(t *testing.T) {
	const want = `- machine: one

| fsync    | command    | pipeline | holdfast rps | redis rps |              ratio | holdfast p99 ms | redis p99 ms | holdfast CPU µs | redis CPU µs |          CPU ratio |
| -------- | ---------- | -------: | -----------: | --------: | -----------------: | --------------: | -----------: | --------------: | -----------: | -----------------: |
| no       | SET        |        1 |          200 |       100 |   1.00 [0.50–3.00] |            2.00 |         2.00 |           20.00 |        20.00 |   1.00 [0.50–1.50] |
| always   | GET        |       16 |       failed |         – |                  – |               – |            – |               – |            – |                  – |

Medians of the rounds. Ratio: the median of the rounds' ratios, and the least and greatest in brackets.
CPU: user and system time of the server per request.

- no SET/1: redis was tired
- always GET/16 failed: the server is gone;
      it wrote: FATAL
`
	if got := aReport(t).String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTableNamesWhatFailed(t *testing.T) {
	if got := strings.Join(aReport(t).Failed(), ", "); got != "always GET/16" {
		t.Errorf("failed: %s", got)
	}
}

// A CPU time below one clock tick is no basis for a ratio.
func TestTableHasNoRatioToNothing(t *testing.T) {
	line := Result{Row: aRow(t, "no SET/1"), Left: []Measured{measured(100, 1, 5)}, Right: []Measured{measured(100, 1, 0)}}.Line()
	cells := strings.Split(line, "|")
	if last := strings.TrimSpace(cells[len(cells)-2]); last != "–" {
		t.Errorf("CPU ratio %q in %s", last, line)
	}
}

func TestTableLinesUpForEveryRow(t *testing.T) {
	head := strings.Split(strings.TrimSpace(Report{Left: "holdfast", Right: "redis"}.Head()), "\n")
	for _, row := range allRows([]int{1, 16}) {
		run := []Measured{measured(9_999_999, 999.99, 9999.99)}
		line := strings.TrimSpace(Result{Row: row, Left: run, Right: run}.Line())
		if got, want := utf8.RuneCountInString(line), utf8.RuneCountInString(head[0]); got != want {
			t.Errorf("%s: %d characters below a head of %d", row.Name(), got, want)
		}
	}
}
