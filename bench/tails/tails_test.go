package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"holdfast/bench/rig"
)

func TestOptionsThatMeanNothing(t *testing.T) {
	for _, line := range []string{"-only never", "-only ,", "-keys 0", "-scale 0", "-scale 101", "-rate -1", "-rate 0.5", "-quiet 0s", "-clients 0", "-rounds 0", "x", "-nosuch"} {
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
	side := func(ms float64) Side {
		return Side{Quiet: Waits{ms, 2 * ms, 0}, Event: Waits{3 * ms, 4 * ms, 20}, Seconds: 1.25}
	}
	const want = `- machine: one

| event      |  holdfast p99.9 |    holdfast max |   holdfast stolen |   holdfast lasted |     redis p99.9 |       redis max |      redis stolen |      redis lasted |
| ---------- | --------------: | --------------: | ----------------: | ----------------: | --------------: | --------------: | ----------------: | ----------------: |
| del        |       3.0 (1.0) |       4.0 (2.0) |            20 (0) |             1.2 s |     30.0 (10.0) |     40.0 (20.0) |            20 (0) |             1.2 s |

Milliseconds from when a request was due to its reply, in the event; in brackets those of the quiet time before it. Stolen are milliseconds for which the machine below kept processors from this one.
`
	got := Report{Heading: []string{"machine: one"}, Left: "holdfast", Right: "redis", Rows: []Row{{"del", [2]Side{side(1), side(10)}}}}.String()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMiddle(t *testing.T) {
	round := func(n float64) Side { return Side{Waits{n, 2 * n, 3 * n}, Waits{4 * n, 5 * n, 6 * n}, 7 * n} }
	if got := middle([]Side{round(9), round(1), round(2)}); got != round(2) {
		t.Errorf("%+v", got)
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
