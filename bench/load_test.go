package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/bench/rig"
)

const csvNames = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"` + "\n"

func TestParseCSV(t *testing.T) {
	for _, c := range []struct {
		name, output string
		want         Observed
		fails        bool
	}{
		{name: "a test", output: csvNames + `"SET","49504.95","15.073","0.696","11.679","49.055","57.791","57.983"`, want: Observed{RPS: 49504.95, P99ms: 57.791}},
		{name: "a command in the title", output: csvNames + `"LRANGE mylist 0 99","17241.38","1.7","0.2","1.5","2.8","6.407","7.5"`, want: Observed{RPS: 17241.38, P99ms: 6.407}},
		{name: "columns are found by name", output: "p99_latency_ms,test,rps\n2.5,GET,100\n", want: Observed{RPS: 100, P99ms: 2.5}},
		{name: "nothing", output: "", fails: true},
		{name: "only names: the run failed", output: csvNames, fails: true},
		{name: "two tests", output: csvNames + "a,1,1,1,1,1,1,1\nb,2,2,2,2,2,2,2\n", fails: true},
		{name: "a column is missing", output: "test,rps\nSET,100\n", fails: true},
		{name: "a line too short", output: csvNames + "SET,100\n", fails: true},
		{name: "no time passed", output: "rps,p99_latency_ms\ninf,1\n", fails: true},
		{name: "nothing was done", output: "rps,p99_latency_ms\n0.00,1\n", fails: true},
		{name: "not a number", output: "rps,p99_latency_ms\n100,nan\n", fails: true},
		{name: "negative", output: "rps,p99_latency_ms\n-1,1\n", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseCSV(strings.NewReader(c.output))
			if c.fails != errors.Is(err, ErrLoad) || got != c.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// Whatever it is given, parseCSV returns figures that a table can show, or an error.
func FuzzParseCSV(f *testing.F) {
	f.Add(csvNames + `"SET","49504.95","15.073","0.696","11.679","49.055","57.791","57.983"`)
	f.Add("rps,p99_latency_ms\ninf,1\n")
	f.Fuzz(func(t *testing.T, output string) {
		got, err := parseCSV(strings.NewReader(output))
		if err != nil {
			return
		}
		for _, figure := range []float64{got.RPS, got.P99ms} {
			if !(figure > 0) || math.IsInf(figure, 0) {
				t.Errorf("%q became %+v", output, got)
			}
		}
	})
}

// script makes a program for /bin/sh to run.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

const goodRun = "echo rps,p99_latency_ms; echo 100,2"

func TestLoadReturnsWhatWasPrinted(t *testing.T) {
	got, err := Load{Generator: redisBenchmark, Path: script(t, goodRun), Keys: 1}.Run(t.Context(), "1", Requests{}, 1, 1)
	if want := (Observed{RPS: 100, P99ms: 2}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestLoadTakesEveryComplaintForFailure(t *testing.T) {
	for name, body := range map[string]string{
		"figures and a complaint": goodRun + "; echo 'Error from server: MISCONF' >&2",
		"figures and a bad code":  goodRun + "; exit 1",
		"no figures":              "exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Load{Generator: redisBenchmark, Path: script(t, body), Keys: 1}.Run(t.Context(), "1", Requests{}, 1, 1)
			if !errors.Is(err, ErrLoad) || got != (Observed{}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(rig.ErrGone)
	_, err := Load{Generator: redisBenchmark, Path: script(t, "exec sleep 1000"), Keys: 1}.Run(ctx, "1", Requests{}, 1, 1)
	if !errors.Is(err, ErrLoad) || !errors.Is(err, rig.ErrGone) {
		t.Errorf("got %v", err)
	}
}

func TestLoadArgs(t *testing.T) {
	got := Load{Keys: 7, Clients: 50, ValueBytes: 3}.Args("99", []string{"LRANGE", "mylist", "0", "99"}, "800", 16)
	want := strings.Fields("-h 127.0.0.1 -p 99 -c 50 -n 800 -d 3 -P 16 -r 7 --csv LRANGE mylist 0 99")
	if !slices.Equal(got, want) {
		t.Error(fmt.Sprint("got ", got))
	}
}
