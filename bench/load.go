package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"holdfast/bench/rig"
)

const (
	clients    = 50              // connections of a run
	runWaitMax = 2 * time.Minute // a run that takes longer is stuck
)

// ErrLoad is wrapped by the error of a run in which redis-benchmark failed, complained or printed no figures.
var ErrLoad = errors.New("redis-benchmark failed")

// A Load runs redis-benchmark.
type Load struct {
	Path string
	Keys int // key space: what -r says
}

// Observed is what redis-benchmark saw in one run.
type Observed struct {
	RPS   float64 // requests a second
	P99ms float64 // 99th percentile of the time from sending a pipeline of requests to its first replies
}

// Args is redis-benchmark's command line for so many requests of what says what.
func (l Load) Args(port string, what []string, requests string, pipeline int) []string {
	return append([]string{"-h", rig.Loopback, "-p", port, "-c", strconv.Itoa(clients), "-n", requests,
		"-P", strconv.Itoa(pipeline), "-r", strconv.Itoa(l.Keys), "--csv"}, what...)
}

// Run sends the requests and returns what redis-benchmark saw. redis-benchmark connects again and again to a server that
// is gone, so ctx has to end with the server.
func (l Load) Run(ctx context.Context, port string, what []string, requests, pipeline int) (Observed, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, runWaitMax, fmt.Errorf("it did not end within %v", runWaitMax))
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, l.Path, l.Args(port, what, strconv.Itoa(requests), pipeline)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = rig.OwnGroup()
	err := cmd.Run()
	complaint := strings.TrimSpace(stderr.String())
	switch {
	case ctx.Err() != nil:
		return Observed{}, fmt.Errorf("%w: %w", ErrLoad, context.Cause(ctx))
	case err != nil:
		return Observed{}, fmt.Errorf("%w: %w: %s", ErrLoad, err, complaint)
	case complaint != "":
		return Observed{}, fmt.Errorf("%w: it complains: %s", ErrLoad, complaint)
	}
	return parseCSV(&stdout)
}

// parseCSV reads redis-benchmark's --csv output of one test: a line of column names and a line of figures. Columns
// are found by name; figures that no run can have (zero, negative, infinite) are refused.
func parseCSV(r io.Reader) (Observed, error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return Observed{}, fmt.Errorf("%w: its output is not CSV: %w", ErrLoad, err)
	}
	if len(lines) != 2 {
		return Observed{}, fmt.Errorf("%w: it printed %d lines, not the names of columns and one line of figures", ErrLoad, len(lines))
	}
	figures := map[string]float64{}
	for i, name := range lines[0] {
		if name != "rps" && name != "p99_latency_ms" {
			continue
		}
		figure, err := strconv.ParseFloat(lines[1][i], 64)
		if err != nil || !(figure > 0) || math.IsInf(figure, 0) {
			return Observed{}, fmt.Errorf("%w: column %s is %q", ErrLoad, name, lines[1][i])
		}
		figures[name] = figure
	}
	if len(figures) != 2 {
		return Observed{}, fmt.Errorf("%w: the columns %q lack rps or p99_latency_ms", ErrLoad, lines[0])
	}
	return Observed{RPS: figures["rps"], P99ms: figures["p99_latency_ms"]}, nil
}
