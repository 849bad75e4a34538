package main

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func aReport() Report {
	restart := Row{Keys: 5_000_000, What: "first GET after a clean stop, ms", Digits: 1,
		Sides: sides{{100, 300, 200}, {8000, 6000, 4000}, {9000, 9000, 9000}}}
	during := Row{Keys: 5_000_000, What: "GET p99, during hydration, µs", Sides: sides{{200, 400}}}
	slices := Row{Keys: 200_000, What: "checkpoint_longest_slice_usec", Sides: sides{{400, 1200, 500}}}
	return Report{
		Heading: []string{"machine: one"},
		Rows: []Row{
			restart.besideRDB().within(0.05),
			{Keys: 5_000_000, What: "GET p99, quiet, µs", Sides: sides{{100, 100}}},
			during.besideQuiet(sides{{100, 100}}).within(3),
			slices.itself("µs").atWorst().within(1000),
		},
		Remarks: []string{"1 M keys failed: the server is gone;\nit wrote: FATAL"},
	}
}

func TestTable(t *testing.T) {
	const want = `- machine: one

| keys   | figure                                         |    holdfast |   redis RDB |   redis AOF |                           judged |  wanted | verdict |
| ------ | ---------------------------------------------- | ----------: | ----------: | ----------: | -------------------------------: | ------: | ------: |
| 5 M    | first GET after a clean stop, ms               |       200.0 |      6000.0 |      9000.0 |     0.0500 [0.0125–0.0500] × RDB |  ≤ 0.05 |     met |
| 5 M    | GET p99, quiet, µs                             |         100 |           – |           – |                                – |       – |       – |
| 5 M    | GET p99, during hydration, µs                  |         300 |           – |           – |         3.00 [2.00–4.00] × quiet |     ≤ 3 |     met |
| 0.2 M  | checkpoint_longest_slice_usec                  |         500 |           – |           – |               1200 [400–1200] µs |  ≤ 1000 |  missed |

Medians of the rounds; in brackets the least and the greatest of what is judged. 2 met, 1 missed.

- 1 M keys failed: the server is gone;
      it wrote: FATAL
`
	if got := aReport().String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// What could not be measured has not been met.
func TestVerdict(t *testing.T) {
	row := func(judged ...float64) Row { return Row{judged: judged} }
	for _, c := range []struct {
		row  Row
		want string
	}{
		{row(1, 2, 9), "–"},
		{row(1, 2, 9).within(2), "met"},
		{row(1, 2.001, 9).within(2), "missed"},
		{row(1, 2, 9).atWorst().within(2), "missed"},
		{row(1, 2, 2).atWorst().within(2), "met"},
		{row().within(2), "missed"},
		{row().atWorst().within(2), "missed"},
		{row(1, math.NaN()).within(2), "missed"},
	} {
		if got := c.row.Verdict(); got != c.want {
			t.Errorf("%v: %s, want %s", c.row.judged, got, c.want)
		}
	}
}

func TestSignificant(t *testing.T) {
	for n, want := range map[float64]string{1234.5: "1234", 99.94: "99.9", 1.5: "1.50", 0.05: "0.0500", 0.00004: "0.0000", 0.3: "0.300", -20: "-20.0"} {
		if got := significant(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}

func TestTableLinesUp(t *testing.T) {
	head := strings.Split(tableHead(), "\n")[0]
	long := Row{Keys: 1_000_000_000, What: "all keys in memory, under a load of GETs, ms", Digits: 1,
		Sides: sides{{99_999_999.9}, {99_999_999.9}, {99_999_999.9}}, judged: []float64{0.0101, 0.0202, 0.0303}, unit: "× quiet"}
	line := strings.TrimSuffix(long.within(1000).Line(), "\n")
	if got, want := utf8.RuneCountInString(line), utf8.RuneCountInString(head); got != want {
		t.Errorf("%d characters below a head of %d:\n%s\n%s", got, want, head, line)
	}
}

func TestEveryWayToEndHasRoomInTheTable(t *testing.T) {
	for _, way := range endings(true) {
		if what := firstGetAfter(way); utf8.RuneCountInString(what) > table.Widths[1] {
			t.Errorf("%q is wider than %d", what, table.Widths[1])
		}
	}
}

// The bounds are the stricter ones where something was wanted twice.
func TestBoundsOfEndings(t *testing.T) {
	want := map[string]float64{"a clean stop": 0.02, "kill -9": 0.05, "kill -9 in a flood": 0}
	for _, way := range endings(false) {
		if bound, ok := want[way.name]; !ok || way.bound != bound {
			t.Errorf("%s: %v, want %v", way.name, way.bound, bound)
		}
	}
	if loadedBound != 0.7 || extraMemoryBound != 5 {
		t.Errorf("bytes per key %v, memory of a checkpoint %v", loadedBound, extraMemoryBound)
	}
}
