package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"holdfast/bench/rig"
	"holdfast/load"
)

// The tests below run the real redis-server on both sides, briefly.

func twinBench(t *testing.T) *Bench {
	t.Helper()
	o, err := parseOptions([]string{"-twin", "-quick", "-requests", "800"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return newBench(o, t.TempDir(), io.Discard)
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind in %s: %v, %v", dir, left, err)
	}
}

func TestRunMeasuresBothSides(t *testing.T) {
	dir := t.TempDir()
	out := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := strings.Fields("-twin -quick -requests 1600 -rows GET/16,LRANGE_100/1,YCSB-F/1 -policies always -dir " + dir + " -report " + out)
	if code := run(t.Context(), args, &stdout, &stderr); code != rig.ExitFine {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	for _, want := range []string{"not for quoting", "\n| always GET/16 ", "| twin ", "\n| always LRANGE_100/1 ", "\n| always YCSB-F/1 ", "Redis server v=", "kernel: Linux"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in:\n%s", want, stdout.String())
		}
	}
	text, err := os.ReadFile(out + "/report.md")
	_, tables, _ := strings.Cut(stdout.String(), "\n## ")
	if err != nil || !strings.HasSuffix(string(text), tables) || !strings.Contains(string(text), "(throughput.svg)") {
		t.Errorf("-report wrote, %v:\n%s", err, text)
	}
	if picture, err := os.ReadFile(out + "/cpu.svg"); err != nil || !strings.Contains(string(picture), "not for quoting") {
		t.Errorf("a chart: %v\n%s", err, picture)
	}
	requireEmpty(t, dir)
}

func TestCalibrationFillsTheWantedTime(t *testing.T) {
	b := twinBench(t)
	b.requests = 0
	result := b.measure(t.Context(), aRow(t, "no LPUSH/16"))
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	if len(result.Sides) != 2 || len(result.Sides[0]) != quickRounds || len(result.Sides[1]) != quickRounds {
		t.Errorf("%d rounds: %+v", quickRounds, result.Sides)
	}
	requireEmpty(t, b.dir)
}

// An interrupt ends both servers and removes their data. The interrupt comes with the first line of progress.
func TestInterruptLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stderr := &interrupter{cancel: cancel}
	args := strings.Fields("-twin -quick -rounds 3 -requests 800 -rows SET/1 -policies no -dir " + dir)
	if code := run(ctx, args, io.Discard, stderr); code != rig.ExitFailed {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(stderr.written.String(), "bench: interrupted") {
		t.Errorf("it wrote %q", stderr.written.String())
	}
	requireEmpty(t, dir)
}

// An interrupter cancels at the first write.
type interrupter struct {
	cancel  context.CancelFunc
	written bytes.Buffer
}

func (i *interrupter) Write(b []byte) (int, error) {
	i.cancel()
	return i.written.Write(b)
}

func TestServersHaveEndedAfterKill(t *testing.T) {
	b := twinBench(t)
	servers, err := b.start(t.Context(), aRow(t, "no SET/1"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	servers.kill()
	for _, s := range servers {
		if err := syscall.Kill(s.PID(), 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d: %v", s.PID(), err)
		}
	}
}

// A server that ends in the middle makes an error that says so, and no figure.
func TestServerThatDiesIsAnError(t *testing.T) {
	b := twinBench(t)
	servers, err := b.start(t.Context(), aRow(t, "no SET/1"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer servers.kill()
	endless := make(chan error, 1)
	go func() {
		_, err := servers[0].send(t.Context(), Requests{Name: "set"}, 100_000_000, 1)
		endless <- err
	}()
	servers[0].Kill()
	if err := <-endless; !errors.Is(err, ErrLoad) || !strings.Contains(err.Error(), "it ended: signal: killed") {
		t.Errorf("got %v", err)
	}
	if err := servers[0].run(t.Context(), 800); err == nil || len(servers[0].runs) != 0 {
		t.Errorf("a dead server was measured: %v, %v", servers[0].runs, err)
	}
}

// A row whose run fails makes exit code 1, and the table says failed.
func TestFailedRowIsNotANumber(t *testing.T) {
	dir := t.TempDir()
	load := script(t, `if [ "$1" = --version ]; then echo fake; else echo "Error from server: no" >&2; fi`)
	var stdout, stderr bytes.Buffer
	args := strings.Fields("-twin -quick -rows SET/1 -policies no -dir " + dir + " -generator redis-benchmark -load " + load)
	if code := run(t.Context(), args, &stdout, &stderr); code != rig.ExitFailed {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"|   failed |                  – |", "no SET/1 failed: fill: twin: the load failed: it complains: Error from server: no"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in:\n%s", want, stdout.String())
		}
	}
	requireEmpty(t, dir)
}

func TestWholeBatches(t *testing.T) {
	for _, c := range []struct {
		requests       float64
		pipeline, want int
	}{{0, 1, 50}, {1000, 1, 1000}, {1049, 1, 1000}, {100, 16, 800}, {2000, 16, 1600}, {1e18, 1, requestsMax}} {
		if got := (Load{Clients: 50, ValueBytes: 3}).wholeBatches(c.requests, c.pipeline); got != c.want {
			t.Errorf("%v requests at pipeline %d: %d, want %d", c.requests, c.pipeline, got, c.want)
		}
	}
}

func TestLargeValuesHaveFewRequests(t *testing.T) {
	if got := (Load{Clients: 50, ValueBytes: 1 << 20}).wholeBatches(1e6, 1); got != 500 {
		t.Errorf("%d requests of 1 MB", got)
	}
}

// A rate that is a share is found from the slowest server, and then both get requests at this rate.
func TestRateIsAShareOfWhatTheSlowestTakes(t *testing.T) {
	b := twinBench(t)
	b.requests = 0
	row := usual("GET", Load{Generator: ours, Clients: 5, Keys: 100, ValueBytes: 3, Keyspace: load.Uniform, Share: 0.1}, "")
	servers, err := b.start(t.Context(), row, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer servers.kill()
	if err := b.rate(t.Context(), servers); err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if rate, got := servers[0].row.Load.Rate, s.runs[0].RPS; s.row.Load.Rate != rate || rate < 1 || got > 1.5*rate {
			t.Errorf("%s: %.0f/s at a rate of %.0f", s.name, got, s.row.Load.Rate)
		}
	}
}

// The requests of writers beside are counted, and their number is not given: they end with the others.
func TestWritersBeside(t *testing.T) {
	b := twinBench(t)
	row := usual("GET", Load{Generator: ours, Clients: 5, Keys: 100, ValueBytes: 3, Keyspace: load.Uniform, Writers: 5}, "")
	result := b.measure(t.Context(), row)
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	for _, side := range result.Sides {
		if side[0].Beside == 0 || side[0].P999ms < side[0].P99ms || side[0].Anon == 0 {
			t.Errorf("%+v", side[0])
		}
	}
}

// Subscribers get every message, and one that misses some fails the row.
func TestSubscribersBeside(t *testing.T) {
	b := twinBench(t)
	row := publishRows(Load{Generator: ours, Keys: 100, ValueBytes: 3, Keyspace: load.Uniform})[0]
	result := b.measure(t.Context(), row)
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	servers, err := b.start(t.Context(), row, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer servers.kill()
	unheard, err := row.Load.startSubscribers(t.Context(), servers[0].Port)
	if err != nil {
		t.Fatal(err)
	}
	if err := unheard(1); err == nil {
		t.Error("a message that nobody sent was heard")
	}
}

// A third program is measured as the others are.
func TestThirdProgram(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := strings.Fields("-twin -valkey redis-server -quick -requests 800 -rows SET/1 -policies no -dir " + t.TempDir())
	if code := run(t.Context(), args, &stdout, &stderr); code != rig.ExitFine {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	for _, want := range []string{"| twin ", "| redis ", "| valkey ", "- valkey: Redis server"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in:\n%s", want, stdout.String())
		}
	}
}
