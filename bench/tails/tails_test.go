package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"holdfast/bench/rig"
	"holdfast/load"
)

func TestOptionsThatMeanNothing(t *testing.T) {
	for _, line := range []string{"-only never", "-only ,", "-keys 0", "-scale 0", "-scale 101", "-rate -1", "-rate 0.5", "-quiet 0s", "-clients 0", "x", "-nosuch"} {
		if code := run(t.Context(), strings.Fields(line), io.Discard, io.Discard); code != rig.ExitUsage {
			t.Errorf("%s: exit code %d", line, code)
		}
	}
}

func TestQuickKeepsWhatWasAskedFor(t *testing.T) {
	for line, want := range map[string]Options{
		"-quick":                      {Keys: quickKeys, Scale: quickScale, Quiet: quickQuiet},
		"-quick -keys 7 -quiet 3s":    {Keys: 7, Scale: quickScale, Quiet: 3 * time.Second},
		"-only del -scale 0.5 -quick": {Keys: quickKeys, Scale: 0.5, Quiet: quickQuiet},
	} {
		o, err := parseOptions(strings.Fields(line), io.Discard)
		if err != nil || o.Keys != want.Keys || o.Scale != want.Scale || o.Quiet != want.Quiet {
			t.Errorf("%s: %+v, %v", line, o, err)
		}
	}
}

func TestTable(t *testing.T) {
	side := func(ms int) Side {
		d := time.Duration(ms) * time.Millisecond
		return Side{Quiet: load.Latency{P999: d, Max: 2 * d}, Event: load.Latency{P999: 3 * d, Max: 4 * d}, Seconds: 1.25}
	}
	const want = `- machine: one

| event      |  holdfast p99.9 |    holdfast max |   holdfast lasted |     redis p99.9 |       redis max |      redis lasted |
| ---------- | --------------: | --------------: | ----------------: | --------------: | --------------: | ----------------: |
| del        |       3.0 (1.0) |       4.0 (2.0) |             1.2 s |     30.0 (10.0) |     40.0 (20.0) |             1.2 s |

Milliseconds from when a request was due to its reply, in the event; in brackets those of the quiet time before it.
`
	got := Report{Heading: []string{"machine: one"}, Left: "holdfast", Right: "redis", Rows: []Row{{"del", [2]Side{side(1), side(10)}}}}.String()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Every event happens to two real redis-servers, small, and leaves nothing behind.
func TestEveryEventHappens(t *testing.T) {
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{"-twin", "-keys", "1000", "-scale", "0.001", "-rate", "2000", "-quiet", "50ms", "-dir", dir}
	if code := run(t.Context(), args, &stdout, &stderr); code != rig.ExitFine {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	for _, name := range eventNames() {
		if !strings.Contains(stdout.String(), "\n| "+name) {
			t.Errorf("no %s in\n%s", name, stdout.String())
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
