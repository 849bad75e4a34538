package main

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"holdfast/load"
)

// aRow is the row of that name in the group commands, such as "always SET/16".
func aRow(t *testing.T, name string) Row {
	t.Helper()
	l := Load{Generator: ours, Clients: 50, Keys: quickKeys, ValueBytes: 3, Keyspace: load.Uniform}
	for _, r := range commandRows(l, []int{1, 16}) {
		if r.Name() == name {
			return r
		}
	}
	t.Fatalf("no row %s", name)
	return Row{}
}

func measured(rps, p99ms, cpuus float64) Measured {
	return Measured{Observed{RPS: rps, P50ms: p99ms / 2, P99ms: p99ms, P999ms: 2 * p99ms}, load.Usage{CPUus: cpuus, Anon: 3 << 20, Reads: 1, Writes: 1.5}}
}

func aReport(t *testing.T) Report {
	paced := usual("GET", Load{Rate: 150}, "fixed rate")
	return Report{
		Heading:  []string{"machine: one"},
		Programs: []string{"holdfast", "redis"},
		Sections: []Section{
			{Name: "commands", About: "Something varies.", Results: []Result{
				{
					Row: aRow(t, "no SET/1"),
					Sides: [][]Measured{
						{measured(100, 1, 10), measured(300, 3, 20), measured(200, 2, 30)},
						{measured(100, 2, 20), measured(100, 2, 20), measured(400, 2, 20)},
					},
					Remarks: []string{"redis was tired"},
				},
				{Row: aRow(t, "always GET/16"), Err: errors.New("the server is gone;\nit wrote: FATAL")},
			}},
			{Name: "rate", About: "At a rate.", Results: []Result{
				{Row: paced, Sides: [][]Measured{{measured(150, 1, 5)}, {measured(150, 4, 0)}}},
			}},
		},
	}
}

func TestTable(t *testing.T) {
	const want = `- machine: one

## commands

Something varies.

| row                               | server   |      rps |              ratio |   p50 ms |   p99 ms | p99.9 ms |          p99 ratio |    CPU µs |          CPU ratio | RssAnon MiB |  reads | writes |
| --------------------------------- | -------- | -------: | -----------------: | -------: | -------: | -------: | -----------------: | --------: | -----------------: | ----------: | -----: | -----: |
| no SET/1                          | holdfast |      200 |   1.00 [0.50–3.00] |     1.00 |     2.00 |     4.00 |   1.00 [0.50–1.50] |     20.00 |   1.00 [0.50–1.50] |         3.0 |   1.00 |   1.50 |
|                                   | redis    |      100 |                    |     1.00 |     2.00 |     4.00 |                    |     20.00 |                    |         3.0 |   1.00 |   1.50 |
| always GET/16                     |          |   failed |                  – |        – |        – |        – |                  – |         – |                  – |           – |      – |      – |

## rate

At a rate.

| row                               | server   |      rps |              ratio |   p50 ms |   p99 ms | p99.9 ms |          p99 ratio |    CPU µs |          CPU ratio | RssAnon MiB |  reads | writes |
| --------------------------------- | -------- | -------: | -----------------: | -------: | -------: | -------: | -----------------: | --------: | -----------------: | ----------: | -----: | -----: |
| everysec GET/1, fixed rate        | holdfast |      150 |                  – |     0.50 |     1.00 |     2.00 |   0.25 [0.25–0.25] |      5.00 |                  – |         3.0 |   1.00 |   1.50 |
|                                   | redis    |      150 |                    |     2.00 |     4.00 |     8.00 |                    |      0.00 |                    |         3.0 |   1.00 |   1.50 |
`
	got, foot, _ := strings.Cut(aReport(t).String(), "\nMedians")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if end := "\n- no SET/1: redis was tired\n- always GET/16 failed: the server is gone;\n      it wrote: FATAL\n"; !strings.HasSuffix(foot, end) {
		t.Errorf("it ends with %s", foot)
	}
}

func TestTableNamesWhatFailed(t *testing.T) {
	if got := strings.Join(aReport(t).Failed(), ", "); got != "always GET/16" {
		t.Errorf("failed: %s", got)
	}
}

// What redis-benchmark does not tell is no zero.
func TestTableShowsWhatIsNotKnownAsADash(t *testing.T) {
	run := []Measured{{Observed: Observed{RPS: 1, P99ms: 1}}}
	line := Result{Row: aRow(t, "no SET/1"), Sides: [][]Measured{run, run}}.Lines([]string{"holdfast", "redis"})
	cells := strings.Split(line, "|")
	if p50, p999 := strings.TrimSpace(cells[5]), strings.TrimSpace(cells[7]); p50 != "–" || p999 != "–" {
		t.Errorf("p50 %q, p99.9 %q in %s", p50, p999, line)
	}
}

func TestTableLinesUpForEveryRow(t *testing.T) {
	programs := []string{"holdfast", "redis", "valkey"}
	run := []Measured{measured(9_999_999, 99.99, 9999.99)}
	for _, g := range groups(Load{Clients: 50, ValueBytes: 3, Keys: 100_000, Keyspace: load.Uniform}, []int{1, 16}) {
		head := strings.Split(strings.TrimSpace(Section{Name: g.Name}.Head()), "\n")
		wide := utf8.RuneCountInString(head[len(head)-1])
		for _, row := range g.Rows {
			lines := Result{Row: row, Sides: [][]Measured{run, run, run}}.Lines(programs)
			for line := range strings.Lines(lines) {
				if got := utf8.RuneCountInString(strings.TrimSpace(line)); got != wide {
					t.Errorf("%s: %d characters below a head of %d", row.Name(), got, wide)
				}
			}
		}
	}
}
